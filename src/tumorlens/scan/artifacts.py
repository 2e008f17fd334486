"""gray values -> the same with an artifact of the scanner: what training draws at random and evaluation in fixed steps.

Values are float32, (H, W), from 0 to 255. An image that an artifact makes brighter is scaled down again, as the window
of a scanner follows its brightest pixel; nothing is cut off at white.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32

_LEAST = np.float32(0.05)  # no coil is deaf
_SPOKES, _RINGS = 48, 9  # of the points at which the range of a field is taken, the outermost ring the ellipse itself

BIAS_FIELD_SHAPE = (4, 4)
"""Coefficients of a bias field: powers 0 to 3 down by powers 0 to 3 across, of which those up to degree 3 count."""


def bias_field(size: tuple[int, int], coefficients: npt.ArrayLike, strength: float) -> Floats32:
    """Uneven sensitivity of the coils: a smooth field to multiply an image with.

    A polynomial of degree 3, as fields of MR images are modeled (Van Leemput et al., IEEE Trans. Med. Imaging 18,
    1999, 885), brought to a range that is given as BrainWeb gives it (Collins et al., same journal 17, 1998, 463):
    40 % is a field from 0.8 to 1.2.

    Args:
        size: height and width.
        coefficients: `TERMS`, any numbers; those of (0, 0) and beyond degree 3 are not looked at.
        strength: what lies between the lowest and the highest value where heads are, 0 to below 2.

    Returns:
        (H, W); in the ellipse that fills the image lowest and highest have the mean 1, in the corners there may be
        more or less, but nothing below `_LEAST`.
    """
    weights = np.array(coefficients, dtype=np.float32)
    weights *= np.add.outer(np.arange(BIAS_FIELD_SHAPE[0]), np.arange(BIAS_FIELD_SHAPE[1])) < BIAS_FIELD_SHAPE[0]
    weights[0, 0] = 0
    angles, radii = np.meshgrid(np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False), np.linspace(0, 1, _RINGS))
    there = np.einsum("...i,ij,...j", _powers(radii * np.sin(angles)), weights, _powers(radii * np.cos(angles)))
    scale = strength / max(float(np.ptp(there)), 1e-6)
    weights *= np.float32(scale)
    weights[0, 0] = 1 - scale * float(there.min() + there.max()) / 2
    down, across = (_powers(np.linspace(-1, 1, side)) for side in size)
    return np.maximum(down @ weights @ across.T, _LEAST)


def apply_bias_field(values: Floats32, field: Floats32) -> Floats32:
    """An image under a bias field."""
    return _windowed(values * field, values)


def add_ghosts(values: Floats32, shift: float, strength: float, axis: int) -> Floats32:
    """An image with two ghosts along its phase direction, as pulsation and breathing make them.

    A signal that rises and falls with a period of some lines of k-space leaves two copies of the image, moved up and
    down by as much of the field of view as the inverse of that period, and wrapped around its ends (Wood and Henkelman,
    Med. Phys. 12, 1985, 143). The whole image pulsates here; in a patient it is vessels and eyes, mostly.

    Args:
        values: (H, W).
        shift: of the ghosts, share of the side.
        strength: of each ghost, share of the image.
        axis: 0 for ghosts above and below, 1 for left and right.
    """
    pixels = round(shift * values.shape[axis])
    ghosts = np.roll(values, pixels, axis) + np.roll(values, -pixels, axis)
    return _windowed(values + np.float32(strength) * ghosts, values)


def to_gray(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Rounded to whole gray values, and cut off at black and white."""
    gray: npt.NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return gray


def _powers(places: npt.NDArray[np.float64]) -> Floats32:
    """(...) -> (..., 4): each to the power of 0 to 3."""
    powers: Floats32 = (places[..., None] ** np.arange(BIAS_FIELD_SHAPE[0])).astype(np.float32)
    return powers


def _windowed(values: Floats32, before: Floats32) -> Floats32:
    """No brighter than the brightest pixel was before."""
    peak, was = float(values.max()), float(before.max())
    return values if peak <= was else values * np.float32(was / peak)
