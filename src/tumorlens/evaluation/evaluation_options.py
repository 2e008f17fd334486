"""The options that an evaluation of a run and one of predictions have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tumorlens._progress import ProgressOption
from tumorlens.evaluation.inference_result import BATCH


@dataclass(frozen=True)
class EvaluationOptions:
    """What to measure, and how; the fields are arguments of `tumorlens.evaluate`, with their defaults."""

    allow_box_masks: bool = False
    prevalence: float | None = None
    analyses: Mapping[str, bool] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    n_resamples: int = 2000
    seed: int = 0
    batch_size: int = BATCH
    progress: ProgressOption = None
