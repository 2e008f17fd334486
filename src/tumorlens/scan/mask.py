"""pixels, or a network's probabilities -> mask; and whether it is an outline or a box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanError
from tumorlens.scan.input_geometry import CropWindow
from tumorlens.scan.types import Mask, Pixels

_TINY = 16  # pixels: what is smaller may be a rectangle by chance


def as_mask(pixels: Pixels, path: Path) -> Mask:
    """Tell tumor from background in pixels that hold 0 and at most one other value.

    Args:
        pixels: (H, W), any real dtype.
        path: the file they came from, for the error.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError: more than one page, more than two values, or two of which neither is 0.
    """
    if pixels.ndim != 2:
        raise ScanError(path, f"has {pixels.shape[0]} pages", "a mask is one image")
    low, high = pixels.min(), pixels.max()
    if not ((pixels == low) | (pixels == high)).all():
        raise ScanError(
            path,
            f"holds {np.unique(pixels).size} different values",
            "a mask has two, 0 and one other; save it as PNG (JPEG blurs its outline)",
        )
    if low != high and low != 0 and high != 0:
        raise ScanError(path, f"holds the values {low} and {high}", "in a mask the background is 0")
    mask: Mask = (pixels != 0).astype(np.uint8)
    return mask


def mask_in_image(probabilities: npt.ArrayLike, crop_window: CropWindow) -> Mask:
    """What a network draws, at the size of the image.

    Args:
        probabilities: (n, n) of tumor, over the whole canvas.
        crop_window: how the image lies on that canvas.

    Returns:
        (H, W) uint8, 1 where a tumor is at least as probable as none; 0 where the network saw nothing.
    """
    mask: Mask = (crop_window.to_image(probabilities) >= 0.5).astype(np.uint8)
    return mask


def is_box_mask(mask: Mask) -> bool:
    """Whether what is drawn is one filled rectangle, sides parallel to the image's, and not tiny.

    Radiologists' outlines never are; a box that stands in for an outline always is.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) * len(columns) < _TINY:
        return False
    return bool(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())
