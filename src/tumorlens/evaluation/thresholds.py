"""Run + its training and validation part -> when it says no: what is outside, and which classes stay possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens.datasets import Sample, Table
from tumorlens.evaluation.analyzes.ood import MARGIN, Fit, fit_outside
from tumorlens.evaluation.analyzes.ood.fit_ood import to_fit_on
from tumorlens.evaluation.analyzes.selective.measure import learn_candidates
from tumorlens.evaluation.inference import infer
from tumorlens.evaluation.subset import cohort_of
from tumorlens.models import Pipeline
from tumorlens.stats.conformal import Candidates
from tumorlens.training import Run


@dataclass(frozen=True, eq=False)
class Limits:
    """What is learned once for a run, on none of its test images.

    Attributes:
        outside: how far what is familiar to the network reaches; None without a training or a validation part.
        candidates: the thresholds of each class, for any error; None without a validation part.
    """

    outside: Fit | None
    candidates: Candidates | None


def learn_limits(
    pipeline: Pipeline,
    own: Table,
    seen: Sequence[Sample],
    logits: npt.NDArray[np.float64],
    features: npt.NDArray[np.float32],
    *,
    margin: float = MARGIN,
    progress: Callable[[int, int], None] | None = None,
) -> Limits:
    """Learn from what the network answered to the validation part.

    Args:
        pipeline: of the run.
        own: the run's table.
        seen: training images, as `to_fit_on` chooses them; nothing is learned without any.
        logits: (N, K) of the validation part.
        features: (N, C) of the same, averaged over places.
        margin: of what is outside, as `fit_outside` takes it.
        progress: called with (done, total) while training images are looked at.
    """
    held_out = own.where(lambda sample: sample.split == "val") if len(logits) and seen else None
    if held_out is None:
        return Limits(None, None)
    samples = held_out.samples
    return Limits(
        fit_outside(pipeline, seen, samples, features, margin=margin, progress=progress),
        learn_candidates(samples, logits, own.classes, cohort_of(held_out).unit),
    )


def limits_of(run: Run, table: Table, margin: float = MARGIN) -> Limits:
    """The same for a run by itself, which is asked for its training and validation part.

    Args:
        run: a finished run.
        table: its own.
        margin: as in `learn_limits`.
    """
    pipeline = run.pipeline()
    answers = infer(pipeline, [sample for sample in table.samples if sample.split == "val"])
    return learn_limits(pipeline, table, to_fit_on(table), answers.logits, answers.features, margin=margin)
