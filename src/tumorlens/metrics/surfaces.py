"""Predicted mask + reference mask -> distances between their contours: HD95 and surface Dice, defined as in MONAI.

In 2D a contour is a closed line of pixels, in 3D a surface of voxels; both are measured by the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.scan import Mask

TOLERANCE = 2.0
"""Contours that lie no further apart than this agree in surface Dice; millimeters, or pixels."""

_PERCENTILE = 95


@dataclass(frozen=True)
class Surfaces:
    """Distances between two contours.

    Attributes:
        hd95: the larger of two distances: 95 % of one contour lie no further than this from the other, and
            vice versa. 0 where both masks are empty, the diagonal of the image or volume where one is.
        surface_dice: share of both contours that lies within the tolerance of the other (Nikolov et al. 2021).
            1 where both masks are empty, 0 where one is.
    """

    hd95: float
    surface_dice: float


def compare_surfaces(
    predicted: Mask, reference: Mask, spacing: Sequence[float] | None = None, *, tolerance: float = TOLERANCE
) -> Surfaces:
    """Measure between the pixels of each contour: those that share a side (a face in 3D) with one that is no tumor.

    Where one mask is empty, MONAI gives an infinite distance, and so no mean. Here it is the diagonal of the image or
    volume, the longest distance there is, as the BraTS challenges take that of their volumes (374 mm in 2023).

    Args:
        predicted: (H, W) or (D, H, W), 1 = tumor.
        reference: the same.
        spacing: between neighbors along each axis; millimeters, or None to measure in pixels.
        tolerance: of surface Dice, in the unit of the spacing.

    Example:
        >>> import numpy as np
        >>> reference = np.zeros((4, 20, 20), np.uint8)
        >>> reference[1:3, 5:15, 5:15] = 1
        >>> compare_surfaces(np.roll(reference, 1, axis=0), reference, (5.0, 1.0, 1.0))  # one slice of 5 mm too high
        Surfaces(hd95=5.0, surface_dice=0.5)
    """
    steps = np.ones(predicted.ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    one, two = (_contour(mask) * steps for mask in (predicted, reference))
    if not len(one) and not len(two):
        return Surfaces(0.0, 1.0)
    if not len(one) or not len(two):
        return Surfaces(float(np.linalg.norm(predicted.shape * steps)), 0.0)
    there, back = _distances(one, two), _distances(two, one)
    far = max(float(np.percentile(distances, _PERCENTILE)) for distances in (there, back))
    near = int(np.count_nonzero(there <= tolerance) + np.count_nonzero(back <= tolerance))
    return Surfaces(far, near / (len(there) + len(back)))


def _contour(mask: Mask) -> Floats:
    """(N, axes) indices of the pixels of the contour; beyond the image there is no tumor."""
    window = nonzero_window(mask)
    if window is None:
        return np.empty((0, mask.ndim))
    cropped = mask[window] != 0
    inner = np.pad(cropped, 1)
    surrounded = cropped.copy()
    for axis in range(mask.ndim):
        for start in (0, 2):
            surrounded &= inner[
                tuple(slice(start, start + n) if i == axis else slice(1, 1 + n) for i, n in enumerate(cropped.shape))
            ]
    corner = np.array([one.start for one in window], dtype=np.float64)
    points: Floats = np.argwhere(cropped & ~surrounded) + corner
    return points


def nonzero_window(mask: Mask) -> tuple[slice, ...] | None:
    """The smallest box that holds all pixels of a mask, one slice for each axis; None for an empty mask."""
    window = []
    for axis in range(mask.ndim):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        there = np.flatnonzero(mask.any(axis=others))
        if not len(there):
            return None
        window.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(window)


def _distances(from_: Floats, to: Floats) -> Floats:
    """(N,) from each of N points to the nearest of the others."""
    from scipy.spatial import cKDTree  # here, so that a model card is read without waiting for scipy

    distances: Floats = cKDTree(to).query(from_)[0]
    return distances
