"""Run of a protocol -> ProtocolResult: its metrics by subset, and the rows of the table with claims beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.leaked_and_clean import LeakedAndClean
from tumorlens.experiments.reproduction.protocols import EvaluationProtocol
from tumorlens.metrics.names import METRICS, title
from tumorlens.report.text import percentage
from tumorlens.stats import Estimate
from tumorlens.training import Recipe, Run

SUBSET_TITLES = {"test": "test images", "train": "training images"}


@dataclass(frozen=True)
class ProtocolResult:
    """The run of one protocol and its evaluations.

    Attributes:
        protocol: the evaluation protocol.
        recipe: of the training.
        run: the trained run.
        evaluations: by subset; the first one gives the reported metrics.
        leakage: by subset, the metrics of leaked and of clean images; None where nothing leaks.
    """

    protocol: EvaluationProtocol
    recipe: Recipe
    run: Run
    evaluations: Mapping[str, Evaluation]
    leakage: Mapping[str, LeakedAndClean | None]

    @property
    def primary(self) -> Evaluation:
        """The evaluation that the protocol reports."""
        return self.evaluations[self.protocol.subsets[0]]

    def estimate(self, metric: str, subset: str | None = None) -> Estimate | None:
        """A metric of the primary evaluation, or of a subset; None where it was not measured."""
        evaluation = self.evaluations[subset] if subset else self.primary
        if metric in evaluation.metrics.overall:
            return evaluation.metrics.overall[metric]
        return evaluation.segmentation.overall[metric] if evaluation.segmentation else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        record = self.run.record
        return {
            "run": self.protocol.name,
            "rule": self.protocol.rule,
            "evaluated_on": list(self.protocol.subsets),
            "counts": {subset: size.model_dump() for subset, size in record.counts.items()},
            "split_hash": record.split_hash,
            "epochs_trained": record.epochs_trained,
            "epoch_kept": record.epoch_kept,
            "pretrained": record.pretrained,
            "device": record.device,
            "threads": record.threads,
            "seconds": record.seconds["total"],
            "leakage": {
                subset: {
                    "images": leakage.images,
                    "with_duplicate_in_train": leakage.duplicates,
                    "with_patient_in_train": leakage.patients,
                }
                for subset, leakage in self.leakage.items()
                if leakage
            },
        }


@dataclass(frozen=True)
class ReproductionRow:
    """One row of the table.

    Attributes:
        metric: its name.
        evaluated_on: the images; empty for those of the primary evaluation.
        claimed: by the authors; None where they do not report it.
        published: with the published protocol.
        leak_free: with the leak-free protocol.
    """

    metric: str
    evaluated_on: str
    claimed: Estimate | None
    published: Estimate | None
    leak_free: Estimate | None

    @property
    def label(self) -> str:
        """The title of the metric, with the images where they are others."""
        return f"{title(self.metric)}, {self.evaluated_on}" if self.evaluated_on else title(self.metric)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        estimates = {name: getattr(self, name) for name in ("claimed", "published", "leak_free")}
        return {"metric": self.metric, "evaluated_on": self.evaluated_on} | {
            name: estimate.to_dict() if estimate else None for name, estimate in estimates.items()
        }


def format_estimate(metric: str, estimate: Estimate | None) -> str:
    """An estimate with its interval, in percent where the metric is a share; "none" where there is none."""
    if estimate is None:
        return "none"
    return estimate.percent() if METRICS[metric].percent else str(estimate)


def format_claim(metric: str, estimate: Estimate | None) -> str:
    """A claim with all decimals that its authors print."""
    if estimate is None:
        return "none"
    if not METRICS[metric].percent:
        return f"{estimate.value:g} (no interval)"
    if f"{100 * estimate.value:.2f}".endswith("0"):
        return format_estimate(metric, estimate)
    interval = (
        "no interval" if estimate.low is None else f"{100 * estimate.low:.2f} to {100 * (estimate.high or 0):.2f}"
    )
    return f"{percentage(estimate.value, 2)} ({interval})"


def format_sample_size(estimate: Estimate | None) -> str:
    """The number of images, and of patients or of distinct images; empty where there is no estimate."""
    if estimate is None:
        return ""
    if estimate.unit == "image":
        distinct = f", {estimate.units:,} distinct" if estimate.units < estimate.n else ""
        return f"{estimate.n:,} image{'s' * (estimate.n != 1)}{distinct}"
    return estimate.evidence
