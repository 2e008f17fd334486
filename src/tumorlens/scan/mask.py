"""pixels -> mask: two values, or it is not a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tumorlens.errors import ScanError
from tumorlens.scan.types import Mask, Pixels


def as_mask(pixels: Pixels, path: Path) -> Mask:
    """Tell tumour from background in pixels that hold 0 and at most one other value.

    Args:
        pixels: (H, W), any real dtype.
        path: the file they came from, for the error.

    Returns:
        (H, W) uint8, 1 = tumour.

    Raises:
        ScanError: more than one page, more than two values, or two of which neither is 0.
    """
    if pixels.ndim != 2:
        raise ScanError(path, f"has {pixels.shape[0]} pages", "a mask is one picture")
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
