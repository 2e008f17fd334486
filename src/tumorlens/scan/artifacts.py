"""gray values -> gray values with an MRI artifact: random strengths in training, fixed severities in evaluation.

Values are float32, (H, W), from 0 to 255. An image that becomes brighter is scaled down again, as the window of a
scanner follows its brightest pixel; no value is clipped at white.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Floats32

_MIN_SENSITIVITY = np.float32(0.05)  # every coil receives some signal
_SPOKES, _RINGS = 48, 9  # points at which the range of a field is measured; the outermost ring is the ellipse itself

BIAS_FIELD_SHAPE = (4, 4)
"""Shape of the coefficients of a bias field: powers 0 to 3 down, powers 0 to 3 across; degrees above 3 are ignored."""


def bias_field(size: tuple[int, int], coefficients: npt.ArrayLike, strength: float) -> Floats32:
    """The bias field of a coil with uneven sensitivity: a smooth field to multiply an image with.

    A polynomial of degree 3, as fields of MR images are modeled (Van Leemput et al., IEEE Trans. Med. Imaging 18,
    1999, 885), scaled to a range as BrainWeb defines it (Collins et al., same journal 17, 1998, 463): 40 % is a field
    from 0.8 to 1.2.

    Args:
        size: height and width.
        coefficients: `TERMS`, any numbers; those of (0, 0) and beyond degree 3 are not looked at.
        strength: difference between the highest and the lowest value in the ellipse, 0 to below 2.

    Returns:
        (H, W); in the ellipse that fills the image the mean of lowest and highest value is 1. Corners may be higher
        or lower, but never below `_MIN_SENSITIVITY`.
    """
    weights = np.array(coefficients, dtype=np.float32)
    weights *= np.add.outer(np.arange(BIAS_FIELD_SHAPE[0]), np.arange(BIAS_FIELD_SHAPE[1])) < BIAS_FIELD_SHAPE[0]
    weights[0, 0] = 0
    angles, radii = np.meshgrid(np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False), np.linspace(0, 1, _RINGS))
    sampled = np.einsum("...i,ij,...j", _powers(radii * np.sin(angles)), weights, _powers(radii * np.cos(angles)))
    scale = strength / max(float(np.ptp(sampled)), 1e-6)
    weights *= np.float32(scale)
    weights[0, 0] = 1 - scale * float(sampled.min() + sampled.max()) / 2
    down, across = (_powers(np.linspace(-1, 1, side)) for side in size)
    return np.maximum(down @ weights @ across.T, _MIN_SENSITIVITY)


def apply_bias_field(values: Floats32, field: Floats32) -> Floats32:
    """Multiply an image with a bias field."""
    return _rescaled(values * field, values)


def add_ghosts(values: Floats32, shift: float, strength: float, axis: int) -> Floats32:
    """Add two ghosts along the phase-encoding direction, as pulsation and breathing do.

    A signal that varies with a period of some lines of k-space leaves two ghosts of the image. They are shifted by the
    inverse of that period, as a share of the field of view, and wrapped around (Wood and Henkelman, Med. Phys. 12,
    1985, 143). Here the whole image pulsates; in a patient it is mostly vessels and eyes.

    Args:
        values: (H, W).
        shift: of the ghosts, as a share of the side.
        strength: of each ghost, as a share of the intensity of the image.
        axis: 0 for ghosts above and below, 1 for left and right.
    """
    pixels = round(shift * values.shape[axis])
    ghosts = np.roll(values, pixels, axis) + np.roll(values, -pixels, axis)
    return _rescaled(values + np.float32(strength) * ghosts, values)


def to_gray(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Round to whole gray values and clip to 0 to 255."""
    gray: npt.NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return gray


def _powers(coordinates: Floats) -> Floats32:
    """(...) -> (..., 4): each coordinate to the powers 0 to 3."""
    powers: Floats32 = (coordinates[..., None] ** np.arange(BIAS_FIELD_SHAPE[0])).astype(np.float32)
    return powers


def _rescaled(values: Floats32, original: Floats32) -> Floats32:
    """Scale down where the maximum exceeds that of the original image."""
    peak, limit = float(values.max()), float(original.max())
    return values if peak <= limit else values * np.float32(limit / peak)
