"""Numbers -> charts: each file has the data of one chart and plots it with matplotlib, for pages and for users."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
