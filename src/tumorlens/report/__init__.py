"""Results -> what a person reads: self-contained HTML pages, inline SVG charts, PNG overlays.

This room renders plain data; it knows nothing of models.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
