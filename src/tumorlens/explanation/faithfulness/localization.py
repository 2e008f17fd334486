"""Heat map + reference mask -> localization metrics. NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.scan import Mask

LEVELS = 20
THRESHOLDS = np.arange(1, LEVELS) / LEVELS
"""Fractions of a map's maximum at which it is thresholded: 0.05 to 0.95."""
HALF = LEVELS // 2 - 1
"""Index of 0.5, the fixed threshold, in `THRESHOLDS`."""


@dataclass(frozen=True, eq=False)
class LocalizationScores:
    """How well one heat map localizes one mask.

    Attributes:
        pointing_game: 1 where the maximum of the map lies inside the mask, else 0; where several pixels share the
            maximum, the fraction of them inside. The pointing game of Zhang et al. 2016 (arXiv:1608.00507) without its
            tolerance of 15 pixels.
        relevance_mass_accuracy: fraction of the map's sum inside the mask (Arras et al. 2022, arXiv:2003.07258; the
            "energy" of Wang et al. 2020, Score-CAM, arXiv:1910.01279).
        iou: (19,) intersection over union of the thresholded map and the mask, for each of `THRESHOLDS`.
        blank: whether the map is 0 everywhere; then all scores are 0.
    """

    pointing_game: float
    relevance_mass_accuracy: float
    iou: Floats
    blank: bool = False


def score_localization(heatmap: npt.NDArray[np.floating], mask: Mask) -> LocalizationScores:
    """Compare one heat map with one mask.

    Args:
        heatmap: (H, W), at least 0.
        mask: (H, W), 1 = tumor, at least one pixel.

    Raises:
        ValueError: the shapes differ, the map has negative or undefined values, or the mask is empty.
    """
    if heatmap.shape != mask.shape:
        raise ValueError(f"a map of {heatmap.shape} for a mask of {mask.shape}; expected the same shape")
    if not (heatmap >= 0).all():
        raise ValueError("the map has negative or undefined values; expected at least 0 everywhere")
    inside = mask > 0
    if not inside.any():
        raise ValueError("the mask is empty; expected at least one pixel of tumor")
    maximum = heatmap.max()
    if maximum == 0:
        return LocalizationScores(0.0, 0.0, np.zeros(LEVELS - 1), blank=True)
    mass = float(heatmap[inside].sum(dtype=np.float64) / heatmap.sum(dtype=np.float64))
    return LocalizationScores(
        pointing_game=float(inside[heatmap == maximum].mean()),
        relevance_mass_accuracy=min(mass, 1.0),
        iou=_iou_at_thresholds(heatmap / maximum, inside),
    )


def _iou_at_thresholds(heatmap: npt.NDArray[np.floating], inside: Flags) -> Floats:
    """Intersection over union at every threshold, from one count of the pixels between each two thresholds."""
    passed = np.searchsorted(THRESHOLDS, heatmap.ravel(), side="right")  # how many thresholds each pixel reaches
    above, intersection = (
        np.bincount(passed[chosen], minlength=LEVELS)[::-1].cumsum()[::-1][1:]
        for chosen in (slice(None), inside.ravel())
    )
    iou: Floats = intersection / (above + np.count_nonzero(inside) - intersection)
    return iou
