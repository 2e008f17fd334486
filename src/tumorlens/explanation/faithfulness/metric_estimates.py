"""Scores of every image -> estimates of the metrics of a method, and its differences from the best control map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tumorlens._arrays import Flags
from tumorlens.explanation.faithfulness.deletion_insertion import PerturbationCurves
from tumorlens.explanation.faithfulness.faithfulness_result import (
    FAITHFULNESS_METRICS,
    ControlDifference,
    MapScores,
    MetricEstimates,
)
from tumorlens.explanation.faithfulness.localization import HALF, THRESHOLDS, LocalizationScores
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, paired_difference


def collect_scores(localizations: Sequence[LocalizationScores], curves: Sequence[PerturbationCurves]) -> MapScores:
    """The scores of one method, from one localization and one pair of curves for each image."""
    iou = np.stack([one.iou for one in localizations])
    best = int(iou.mean(0).argmax())
    areas = np.array([curve.areas for curve in curves])
    values = {
        "pointing_game": np.array([one.pointing_game for one in localizations]),
        "relevance_mass_accuracy": np.array([one.relevance_mass_accuracy for one in localizations]),
        "iou": iou[:, HALF],
        "best_iou": iou[:, best],
        "insertion": areas[:, 0],
        "deletion": areas[:, 1],
    }
    return MapScores(values, float(THRESHOLDS[best]), np.array([one.blank for one in localizations]))


def estimate_metrics(
    scores: MapScores, labels: Sequence[str], classes: Sequence[str], resampled: BootstrapDraws
) -> tuple[MetricEstimates, dict[str, MetricEstimates]]:
    """Means over images with intervals by sampling unit: over all images, and by class.

    Args:
        scores: of N images.
        labels: their classes.
        classes: in this order.
        resampled: bootstrap draws of the same images.
    """
    label_array = np.asarray(labels)

    def means(among: Flags) -> MetricEstimates:
        images = resampled.sums(among)
        images[images == 0] = np.nan  # a bootstrap draw without any image of this class
        columns = {key: resampled.sums(scores.values[key] * among) / images for key in FAITHFULNESS_METRICS}
        estimates = {key: resampled.estimate(column, among) for key, column in columns.items()}
        return estimates | {"pointing_game": resampled.proportion(columns["pointing_game"], among)}

    per_class = {label: means(label_array == label) for label in classes if label in label_array}
    return means(np.full(len(label_array), True)), per_class


def compare_with_controls(
    scores: MapScores, controls: Mapping[str, MapScores], bootstrap: ClusterBootstrap
) -> dict[str, ControlDifference]:
    """For each metric, a method minus the best control map."""
    differences = {}
    for key, metric in FAITHFULNESS_METRICS.items():
        means = {name: float(control.values[key].mean()) for name, control in controls.items()}
        best = (min if metric.lower_is_better else max)(means, key=lambda name: means[name])
        difference = paired_difference(controls[best].values[key], scores.values[key], bootstrap)
        low, high = difference.low, difference.high
        better = (high is not None and high < 0) if metric.lower_is_better else (low is not None and low > 0)
        differences[key] = ControlDifference(best, difference, better)
    return differences
