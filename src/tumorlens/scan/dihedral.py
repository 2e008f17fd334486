"""pixels -> pixels after one of the eight dihedral transforms: rotations by 90° and flips, numbered once for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DIHEDRAL_NAMES = (
    "as it is",
    "turned by 90°",
    "turned by 180°",
    "turned by 270°",
    "transposed",
    "mirrored left to right",
    "transposed along the other diagonal",
    "mirrored top to bottom",
)


def apply_dihedral(pixels: npt.NDArray[Any], transform: int) -> npt.NDArray[Any]:
    """Rotate or flip the pixels; returns a view.

    Args:
        pixels: (..., H, W).
        transform: index into `DIHEDRAL_NAMES`: 0 to 3 quarter turns counter-clockwise; 4 to 7 the same, transposed.
    """
    pixels = np.rot90(pixels, transform % 4, axes=(-2, -1))
    return np.swapaxes(pixels, -2, -1) if transform >= 4 else pixels
