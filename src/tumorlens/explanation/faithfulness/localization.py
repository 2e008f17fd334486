"""A heat map + the true mask -> how well the one lies on the other. Numbers in, numbers out: no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.scan import Mask

LEVELS = 20
THRESHOLDS = np.arange(1, LEVELS) / LEVELS
"""Shares of a map's maximum from which a pixel counts as hot: 0.05 to 0.95."""
HALF = LEVELS // 2 - 1
"""Where 0.5, the fixed threshold, is among `THRESHOLDS`."""


@dataclass(frozen=True, eq=False)
class LocalizationScores:
    """How one map lies on one mask.

    Attributes:
        pointing: 1 where the hottest pixel is tumor, else 0; where several are equally hot, the share of them that
            are tumor. The pointing game of Zhang et al. 2016 (arXiv:1608.00507) without its tolerance of 15 pixels.
        energy: share of the map's sum that is inside the mask (Wang et al. 2020, Score-CAM, arXiv:1910.01279).
        iou: (19,) for each of `THRESHOLDS` the intersection over union of the hot pixels and the mask.
        blank: whether the map is 0 everywhere and so shows nothing; then all the others are 0.
    """

    pointing: float
    energy: float
    iou: Floats
    blank: bool = False


def fit(heatmap: npt.NDArray[np.floating], mask: Mask) -> LocalizationScores:
    """Measure one map.

    Args:
        heatmap: (H, W), at least 0.
        mask: (H, W), 1 = tumor, at least one pixel.

    Raises:
        ValueError: the shapes differ, the map holds negative or undefined values, or the mask is empty.
    """
    if heatmap.shape != mask.shape:
        raise ValueError(f"a map of {heatmap.shape} for a mask of {mask.shape}; expected the same")
    if not (heatmap >= 0).all():
        raise ValueError("the map holds negative or undefined values; expected at least 0 everywhere")
    inside = mask > 0
    if not inside.any():
        raise ValueError("the mask is empty; expected some tumor")
    peak = heatmap.max()
    if peak == 0:
        return LocalizationScores(0.0, 0.0, np.zeros(LEVELS - 1), blank=True)
    total = heatmap.sum(dtype=np.float64)
    energy = float(heatmap[inside].sum(dtype=np.float64) / total)
    return LocalizationScores(
        float(inside[heatmap == peak].mean()), min(energy, 1.0), _overlaps(heatmap / peak, inside)
    )


def _overlaps(heatmap: npt.NDArray[np.floating], inside: npt.NDArray[np.bool_]) -> Floats:
    """Intersection over union at every threshold, from one count of the pixels between each two thresholds."""
    passed = np.searchsorted(THRESHOLDS, heatmap.ravel(), side="right")  # so many thresholds a pixel reaches
    hot, hit = (
        np.bincount(passed[chosen], minlength=LEVELS)[::-1].cumsum()[::-1][1:]
        for chosen in (slice(None), inside.ravel())
    )
    overlaps: Floats = hit / (hot + np.count_nonzero(inside) - hit)
    return overlaps
