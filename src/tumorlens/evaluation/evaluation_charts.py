"""Evaluation -> the charts of its page, and their points as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES
from tumorlens.metrics.calibration import softmax
from tumorlens.metrics.classification import reliability_bins
from tumorlens.metrics.curves import precision_recall_points, roc_points
from tumorlens.report.plots import (
    Chart,
    ConfusionChart,
    PrecisionRecallChart,
    PrecisionRecallCurve,
    ReliabilityBin,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    RocCurve,
)

if TYPE_CHECKING:
    from tumorlens.evaluation.evaluation_result import Evaluation

Points = TypeVar("Points")


def confusion_chart(evaluation: Evaluation) -> ConfusionChart:
    """The confusion matrix; rows are the reference."""
    return ConfusionChart(evaluation.metrics.confusion_matrix.tolist(), evaluation.metrics.classes)


def roc_chart(evaluation: Evaluation) -> RocChart:
    """Each class against the rest; a class without a curve is left out."""
    per_class = evaluation.metrics.per_class
    return RocChart(
        [
            RocCurve(name, found.false_positive.tolist(), found.true_positive.tolist(), per_class[name]["auroc"])
            for name, found in _class_points(evaluation, roc_points)
            if len(found.thresholds)
        ]
    )


def precision_recall_chart(evaluation: Evaluation) -> PrecisionRecallChart:
    """Each class against the rest; a class without a curve is left out."""
    support, images = evaluation.metrics.support, len(evaluation.samples)
    return PrecisionRecallChart(
        [
            PrecisionRecallCurve(name, found.recall.tolist(), found.precision.tolist(), support[name] / images)
            for name, found in _class_points(evaluation, precision_recall_points)
            if len(found.thresholds)
        ]
    )


def calibration_chart(evaluation: Evaluation) -> ReliabilityChart:
    """The reliability diagram, before and after temperature scaling."""
    labels = _labels(evaluation)
    stages = (
        ("before", softmax(evaluation.logits), evaluation.before),
        ("after", evaluation.probabilities, evaluation.metrics),
    )
    before, after = (
        ReliabilityCurve(
            name,
            tuple(
                ReliabilityBin(bar.low, bar.high, bar.confidence, bar.accuracy, bar.count)
                for bar in reliability_bins(probabilities, labels)
            ),
            metrics.overall["ece"],
        )
        for name, probabilities, metrics in stages
    )
    return ReliabilityChart(before, after)


CHARTS: dict[str, Callable[[Evaluation], Chart]] = {
    "confusion_matrix": confusion_chart,
    "roc": roc_chart,
    "precision_recall": precision_recall_chart,
    "calibration": calibration_chart,
}
"""Kind of a plot -> the function that makes its chart."""


def known_charts(evaluation: Evaluation) -> set[str]:
    """The kinds of plots that an evaluation can have."""
    if evaluation.given == "probabilities":
        return set(CHARTS)
    return {"confusion_matrix"} if evaluation.given == "classes" else set()


CURVE_FILES = ("roc.csv", "precision_recall.csv", "calibration.csv")


def write_curves(evaluation: Evaluation, folder: Path) -> None:
    """Write the points of the ROC, precision-recall and calibration curves as `CURVE_FILES`, at full precision."""
    roc, recall, calibration = (folder / name for name in CURVE_FILES)
    _write(
        roc,
        ("class", "threshold", "false_positive_rate", "true_positive_rate"),
        (
            (name, *row)
            for name, found in _class_points(evaluation, roc_points)
            for row in zip(found.thresholds, found.false_positive, found.true_positive, strict=True)
        ),
    )
    _write(
        recall,
        ("class", "threshold", "recall", "precision"),
        (
            (name, *row)
            for name, found in _class_points(evaluation, precision_recall_points)
            for row in zip(found.thresholds, found.recall, found.precision, strict=True)
        ),
    )
    _write(
        calibration,
        ("temperature_scaling", "low", "high", "confidence", "accuracy", "images"),
        (
            (curve.name, bar.low, bar.high, bar.confidence, bar.accuracy, bar.count)
            for curve in calibration_chart(evaluation).curves
            for bar in curve.bins
        ),
    )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _labels(evaluation: Evaluation) -> Ints:
    """(N,) index of the true class."""
    return np.array([evaluation.metrics.classes.index(sample.label) for sample in evaluation.samples])


def _class_points(evaluation: Evaluation, points: Callable[[Floats, Flags], Points]) -> Iterator[tuple[str, Points]]:
    """Each class, and the points of its curve against the rest."""
    labels = _labels(evaluation)
    for i, name in enumerate(evaluation.metrics.classes):
        yield name, points(evaluation.probabilities[:, i], labels == i)
