"""Predictions of any kind -> the metrics that can be computed from them, and why the others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.evaluation.evaluation_facts import Given
from tumorlens.metrics.classification import Metrics, measure
from tumorlens.stats import ClusterBootstrap, Estimate

_OF_SCORES = ("auroc", "macro_auroc", "brier", "ece")
_OF_CLASSES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")


def measure_given(
    given: Given, probabilities: Floats, labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> Metrics:
    """The classification metrics without those that need more than is given.

    Args:
        given: what the predictions are.
        probabilities: (N, K); 1 for the predicted class where only classes are given; of no meaning for masks alone.
        labels: (N,) index of the true class.
        bootstrap: the sampling units of the N images.
        classes: the K class names.

    Returns:
        For classes no AUROC, Brier score and calibration error; for masks alone no metric, and a confusion matrix of 0.
    """
    if given == "masks":
        size = len(classes)
        support = dict(zip(classes, np.bincount(labels, minlength=size).tolist(), strict=True))
        return Metrics({}, {name: {} for name in classes}, np.zeros((size, size), np.int64), support, tuple(classes))
    metrics = measure(probabilities, labels, bootstrap, classes)
    if given == "probabilities":
        return metrics
    per_class = {name: _without_scores(found) for name, found in metrics.per_class.items()}
    return replace(metrics, overall=_without_scores(metrics.overall), per_class=per_class)


def why_absent(given: Given) -> dict[str, str]:
    """Metric -> why it cannot be computed, one sentence; empty for probabilities."""
    if given == "probabilities":
        return {}
    scores = dict.fromkeys(
        (*_OF_SCORES, "calibration"), "The predictions are classes; this needs a probability for each class."
    )
    if given == "classes":
        return scores
    return dict.fromkeys(
        (*_OF_CLASSES, *scores, "detection"), "The predictions are masks alone; this needs predicted classes."
    )


def _without_scores(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    return {name: one for name, one in estimates.items() if name not in _OF_SCORES}
