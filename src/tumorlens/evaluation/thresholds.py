"""Run + its training and validation part -> when it says no: what is outside, and which classes stay possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.datasets import Sample, Table
from tumorlens.evaluation.analyses.ood import THRESHOLD_SCALE, OODFit, fit_ood
from tumorlens.evaluation.analyses.ood.fit_ood import to_fit_on
from tumorlens.evaluation.analyses.selective.measure import fit_prediction_sets
from tumorlens.evaluation.inference import infer
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.models import Pipeline
from tumorlens.stats.conformal import PredictionSets
from tumorlens.training import Run


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What is learned once for a run, on none of its test images.

    Attributes:
        ood: how far what is familiar to the network reaches; None without a training or a validation part.
        prediction_sets: the thresholds of each class, for any error; None without a validation part.
    """

    ood: OODFit | None
    prediction_sets: PredictionSets | None


def fit_thresholds(
    pipeline: Pipeline,
    own: Table,
    seen: Sequence[Sample],
    logits: npt.NDArray[np.float64],
    features: npt.NDArray[np.float32],
    *,
    threshold_scale: float = THRESHOLD_SCALE,
    progress: Callable[[int, int], None] | None = None,
) -> Thresholds:
    """Learn from what the network answered to the validation part.

    Args:
        pipeline: of the run.
        own: the run's table.
        seen: training images, as `to_fit_on` chooses them; nothing is learned without any.
        logits: (N, K) of the validation part.
        features: (N, C) of the same, averaged over places.
        threshold_scale: of what is outside, as `fit_ood` takes it.
        progress: called with (done, total) while training images are looked at.
    """
    held_out = own.where(lambda sample: sample.split == "val") if len(logits) and seen else None
    if held_out is None:
        return Thresholds(None, None)
    samples = held_out.samples
    return Thresholds(
        fit_ood(pipeline, seen, samples, features, threshold_scale=threshold_scale, progress=progress),
        fit_prediction_sets(samples, logits, own.classes, bootstrap_of(held_out).unit),
    )


def thresholds_of(run: Run, table: Table, threshold_scale: float = THRESHOLD_SCALE) -> Thresholds:
    """The same for a run by itself, which is asked for its training and validation part.

    Args:
        run: a finished run.
        table: its own.
        threshold_scale: as in `fit_thresholds`.
    """
    pipeline = run.pipeline()
    answers = infer(pipeline, [sample for sample in table.samples if sample.split == "val"])
    return fit_thresholds(
        pipeline, table, to_fit_on(table), answers.logits, answers.features, threshold_scale=threshold_scale
    )
