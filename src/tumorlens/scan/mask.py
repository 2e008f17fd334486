"""pixels, or probabilities of a network -> mask; and whether a mask is a bounding box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens.errors import ScanError
from tumorlens.scan.input_geometry import CropWindow
from tumorlens.scan.types import Mask, Pixels

_TINY = 16  # pixels: a smaller mask may be a box by chance


def as_mask(pixels: Pixels, path: Path) -> Mask:
    """Convert pixels of 0 and at most one other value to a mask.

    Args:
        pixels: (H, W), any real dtype.
        path: their file, for the error.

    Returns:
        (H, W) uint8, 1 = tumor.

    Raises:
        ScanError: more than one page, more than two values, or two of which neither is 0.
    """
    if pixels.ndim != 2:
        raise ScanError(path, f"has {pixels.shape[0]} pages", expected="a mask of one page")
    low, high = pixels.min(), pixels.max()
    if not ((pixels == low) | (pixels == high)).all():
        raise ScanError(
            path,
            f"holds {np.unique(pixels).size} different values",
            expected="two, 0 and one other",
            advice="save it as PNG (JPEG blurs its outline)",
        )
    if low != high and low != 0 and high != 0:
        raise ScanError(path, f"holds the values {low} and {high}", expected="0 in the background")
    mask: Mask = (pixels != 0).astype(np.uint8)
    return mask


def mask_in_image(probabilities: npt.ArrayLike, crop_window: CropWindow) -> Mask:
    """Threshold the tumor probabilities of a network and resize them to the image.

    Args:
        probabilities: (n, n) of tumor, over the whole network input.
        crop_window: the window of the image in that input.

    Returns:
        (H, W) uint8, 1 where the probability is at least 0.5; 0 outside of the network input.
    """
    return thresholded(crop_window.to_image(probabilities))


def thresholded(probability: npt.NDArray[np.floating]) -> Mask:
    """The mask of the pixels whose probability of tumor is at least 0.5."""
    mask: Mask = (probability >= 0.5).astype(np.uint8)
    return mask


def filled(mask: Mask) -> Mask:
    """The mask with its holes: background that no path connects with the border of the slice.

    Args:
        mask: (H, W) or (D, H, W) uint8; slices are filled one by one.

    Returns:
        The same shape.
    """
    from scipy.ndimage import binary_fill_holes  # here, since prediction does without scipy's images

    slices = [binary_fill_holes(one) for one in (mask if mask.ndim == 3 else mask[None])]
    return np.stack(slices).astype(np.uint8).reshape(mask.shape)


def is_box_mask(mask: Mask) -> bool:
    """Whether a mask is one filled bounding box, with sides parallel to the image's, and not tiny.

    Outlines of radiologists never are; boxes that replace outlines always are.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) * len(columns) < _TINY:
        return False
    return bool(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())
