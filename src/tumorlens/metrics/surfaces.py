"""Predicted mask + reference mask -> distances between their contours: HD95 and surface Dice, defined as in MONAI."""

from __future__ import annotations

import math
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
            vice versa. 0 where both masks are empty, the image's diagonal where one is.
        surface_dice: share of both contours that lies within `TOLERANCE` of the other (Nikolov et al. 2021).
            1 where both masks are empty, 0 where one is.
    """

    hd95: float
    surface_dice: float


def compare_surfaces(predicted: Mask, reference: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> Surfaces:
    """Measure between the pixels of each contour: those with a neighbor above, below or beside them that is no tumor.

    Where one mask is empty, MONAI gives an infinite distance, and so no mean. Here it is the image's diagonal, the
    longest distance there is, as the BraTS challenges take that of their volumes (374 mm in 2023).

    Args:
        predicted: (H, W), 1 = tumor.
        reference: the same.
        spacing: of rows and of columns; millimeters, or 1 to measure in pixels.
    """
    one, two = (_contour(mask) * spacing for mask in (predicted, reference))
    if not len(one) and not len(two):
        return Surfaces(0.0, 1.0)
    if not len(one) or not len(two):
        height, width = predicted.shape
        return Surfaces(math.hypot(height * spacing[0], width * spacing[1]), 0.0)
    there, back = _distances(one, two), _distances(two, one)
    far = max(float(np.percentile(distances, _PERCENTILE)) for distances in (there, back))
    near = int(np.count_nonzero(there <= TOLERANCE) + np.count_nonzero(back <= TOLERANCE))
    return Surfaces(far, near / (len(there) + len(back)))


def _contour(mask: Mask) -> Floats:
    """(N, 2) row and column of the pixels of the contour; beyond the image there is no tumor."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.empty((0, 2))
    inner = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] != 0, 1)
    surrounded = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    corner = np.array([rows[0], columns[0]], dtype=np.float64)
    points: Floats = np.argwhere(inner[1:-1, 1:-1] & ~surrounded) + corner
    return points


def _distances(from_: Floats, to: Floats) -> Floats:
    """(N,) from each of N points to the nearest of the others."""
    from scipy.spatial import cKDTree  # here, so that a model card is read without waiting for scipy

    distances: Floats = cKDTree(to).query(from_)[0]
    return distances
