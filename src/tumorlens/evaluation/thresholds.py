"""Run + its train and validation subsets -> the OOD threshold and the conformal quantiles of an exported model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tumorlens._arrays import Floats
from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.fit_ood import THRESHOLD_SCALE, OODFit, fit_ood, fitting_samples
from tumorlens.evaluation.inference import infer
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.metrics.calibration import softmax
from tumorlens.stats.conformal import PredictionSets, prediction_sets_of
from tumorlens.training import Run


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What is fitted once for a run, on none of its test images.

    Attributes:
        ood: the OOD score with its threshold; None without a train or a validation subset.
        prediction_sets: the conformal quantiles of each class; None without a validation subset.
    """

    ood: OODFit | None
    prediction_sets: PredictionSets | None


def thresholds_of(
    run: Run, table: Table, threshold_scale: float = THRESHOLD_SCALE, *, progress: Progress = silent
) -> Thresholds:
    """Run inference on the train and the validation subset of a run, and fit both.

    Args:
        run: a finished run.
        table: its own.
        threshold_scale: of the OOD threshold, as in `fit_ood`.
        progress: called while inference runs.
    """
    pipeline = run.pipeline()
    validation = [sample for sample in table.samples if sample.split == "val"]
    train = fitting_samples(table)
    if not validation or not train:
        return Thresholds(None, None)
    inference = infer(pipeline, validation, progress=progress)
    features = inference.features
    return Thresholds(
        fit_ood(pipeline, train, validation, features, threshold_scale=threshold_scale, progress=progress),
        fit_prediction_sets(table, validation, inference.logits),
    )


def may_fit(context: Context) -> bool:
    """Whether thresholds can be fitted on images that are not measured: not where validation itself is measured."""
    has_train = any(sample.split == "train" for sample in context.table.samples)
    return context.subset_name != "val" and bool(context.validation) and has_train


def fit_prediction_sets(table: Table, validation: Sequence[Sample], logits: Floats) -> PredictionSets:
    """Conformal quantiles from the validation subset.

    Args:
        table: of the run.
        validation: its validation samples, at least one.
        logits: (N, K) of them.
    """
    unit = bootstrap_of(table.filter(lambda sample: sample.split == "val")).unit
    labels, units = [sample.label for sample in validation], [sample.unit for sample in validation]
    return prediction_sets_of(softmax(logits), labels, units, table.classes, unit)
