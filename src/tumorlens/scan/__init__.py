"""files -> pixels: images and MATLAB files as one type, Scan. Knows nothing of models, imports no torch."""

from tumorlens.scan.canvas import Box, Canvas, Placement
from tumorlens.scan.mask import drawn_mask, is_rectangle
from tumorlens.scan.matlab import FigshareSlice, read_figshare
from tumorlens.scan.read import read_mask, read_scan, read_size
from tumorlens.scan.types import GrayImage, Mask, Pixels, Scan, window

__all__ = [
    "Box",
    "Canvas",
    "FigshareSlice",
    "GrayImage",
    "Mask",
    "Pixels",
    "Placement",
    "Scan",
    "drawn_mask",
    "is_rectangle",
    "read_figshare",
    "read_mask",
    "read_scan",
    "read_size",
    "window",
]
