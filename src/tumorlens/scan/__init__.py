"""files and arrays -> Scan: every source becomes one type. Knows nothing of models, imports no torch."""

from tumorlens.scan.input_geometry import Box, CropWindow, InputGeometry
from tumorlens.scan.mask import is_box_mask, mask_in_image
from tumorlens.scan.matlab import FigshareSlice, read_figshare
from tumorlens.scan.read import ScanSource, read_mask, read_scan, read_size
from tumorlens.scan.types import GrayImage, Mask, Pixels, Scan, window

__all__ = [
    "Box",
    "CropWindow",
    "FigshareSlice",
    "GrayImage",
    "InputGeometry",
    "Mask",
    "Pixels",
    "Scan",
    "ScanSource",
    "is_box_mask",
    "mask_in_image",
    "read_figshare",
    "read_mask",
    "read_scan",
    "read_size",
    "window",
]
