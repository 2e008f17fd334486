"""Scores of every image -> the figures of a method, with intervals, and what it has over the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tumorlens._arrays import Flags
from tumorlens.explanation.faithfulness.deletion_insertion import Curves
from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Advantage, Figures, Scores
from tumorlens.explanation.faithfulness.localization import HALF, THRESHOLDS, LocalizationScores
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, paired_difference


def gather(fits: Sequence[LocalizationScores], curves: Sequence[Curves]) -> Scores:
    """The scores of one method, from one fit and one pair of curves for each image."""
    overlaps = np.stack([fit.iou for fit in fits])
    best = int(overlaps.mean(0).argmax())
    areas = np.array([curve.areas for curve in curves])
    values = {
        "pointing": np.array([fit.pointing for fit in fits]),
        "energy": np.array([fit.energy for fit in fits]),
        "iou": overlaps[:, HALF],
        "best_iou": overlaps[:, best],
        "insertion": areas[:, 0],
        "deletion": areas[:, 1],
    }
    return Scores(values, float(THRESHOLDS[best]), np.array([fit.blank for fit in fits]))


def figures(
    scores: Scores, labels: Sequence[str], classes: Sequence[str], drawn: BootstrapDraws
) -> tuple[Figures, dict[str, Figures]]:
    """Means over images with intervals by unit: of all, and by class.

    Args:
        scores: of N images.
        labels: their true classes.
        classes: in this order.
        drawn: resamples of the same images.
    """
    truth = np.asarray(labels)

    def means(among: Flags) -> Figures:
        images = drawn.sums(among)
        images[images == 0] = np.nan  # a resample without any image of this class says nothing
        columns = {key: drawn.sums(scores.values[key] * among) / images for key in FIGURES}
        found = {key: drawn.estimate(column, among) for key, column in columns.items()}
        return found | {"pointing": drawn.proportion(columns["pointing"], among)}

    return means(np.full(len(truth), True)), {label: means(truth == label) for label in classes if label in truth}


def compare(scores: Scores, controls: Mapping[str, Scores], bootstrap: ClusterBootstrap) -> dict[str, Advantage]:
    """For each figure, a method less the best control."""
    found = {}
    for key, figure in FIGURES.items():
        means = {name: float(control.values[key].mean()) for name, control in controls.items()}
        best = (min if figure.low_is_good else max)(means, key=lambda name: means[name])
        difference = paired_difference(controls[best].values[key], scores.values[key], bootstrap)
        low, high = difference.low, difference.high
        better = (high is not None and high < 0) if figure.low_is_good else (low is not None and low > 0)
        found[key] = Advantage(best, difference, better)
    return found
