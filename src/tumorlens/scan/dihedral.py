"""pixels -> pixels in one of the eight flips and turns, which have one number wherever they are spoken of."""

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


def apply_dihedral(pixels: npt.NDArray[Any], turn: int) -> npt.NDArray[Any]:
    """The pixels turned or flipped, as a view.

    Args:
        pixels: (..., H, W).
        turn: which of `DIHEDRAL_NAMES`, counter-clockwise: quarter turns first, then, from 4 on, transposed.
    """
    pixels = np.rot90(pixels, turn % 4, axes=(-2, -1))
    return np.swapaxes(pixels, -2, -1) if turn >= 4 else pixels
