"""Arrays -> metrics with intervals: classification, calibration, segmentation, lesions. No files, no torch."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
