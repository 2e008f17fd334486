"""Folders -> tables: public data sets, any folder with class folders, any CSV table, and synthetic phantoms."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
