"""protocol -> what its run gave: figures by part, and the lines of the table they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.evaluation.analyses.leakage.measure import LeakageResult
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.experiments.reproduction.protocols import EvaluationProtocol
from tumorlens.metrics.segmentation import NAMES
from tumorlens.report.text import evidence
from tumorlens.stats import Estimate
from tumorlens.training import Recipe, Run

FIGURES = {"accuracy": "accuracy", "weighted_f1": "weighted F1", "macro_auroc": "macro AUROC"} | {
    name: NAMES[name] for name in ("iou", "dice")
}
SHARES = ("accuracy", "weighted_f1")  # written as percentages, as everywhere
PARTS = {"test": "the test part", "train": "the training images"}


@dataclass(frozen=True)
class ProtocolResult:
    """One protocol, run.

    Attributes:
        protocol: what was done.
        recipe: with what.
        run: the trained network.
        found: by part, the headline first.
        apart: by part, the images that are known from training and the others; None where none is known.
    """

    protocol: EvaluationProtocol
    recipe: Recipe
    run: Run
    found: dict[str, Evaluation]
    apart: dict[str, LeakageResult | None]

    @property
    def headline(self) -> Evaluation:
        """What the protocol reports."""
        return self.found[self.protocol.parts[0]]

    def figure(self, name: str, part: str | None = None) -> Estimate | None:
        """A figure of the headline, or of a part; None where it was not measured."""
        found = self.found[part] if part else self.headline
        if name in found.metrics.overall:
            return found.metrics.overall[name]
        return found.segmentation.overall[name] if found.segmentation else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        record = self.run.record
        return {
            "run": self.protocol.name,
            "rule": self.protocol.rule,
            "measured_on": list(self.protocol.parts),
            "counts": {subset: size.to_dict() for subset, size in record.counts.items()},
            "split_hash": record.split_hash,
            "epochs_trained": record.epochs_trained,
            "epoch_kept": record.epoch_kept,
            "pretrained": record.pretrained,
            "device": record.device,
            "threads": record.threads,
            "seconds": record.seconds["total"],
            "known_from_train": {
                part: {"images": apart.of, "with_a_copy": apart.duplicates, "with_their_patient": apart.patients}
                for part, apart in self.apart.items()
                if apart
            },
        }


@dataclass(frozen=True)
class ReproductionRow:
    """One line of the table.

    Attributes:
        figure: its key.
        of: what it was measured on, where that is not the headline's.
        claimed: by the authors; None where they say nothing of it.
        published: with their protocol.
        honest: with the honest one.
    """

    figure: str
    of: str
    claimed: Estimate | None
    published: Estimate | None
    honest: Estimate | None

    @property
    def label(self) -> str:
        """As people read it."""
        return f"{FIGURES[self.figure]}, {self.of}" if self.of else FIGURES[self.figure]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        figures = {name: getattr(self, name) for name in ("claimed", "published", "honest")}
        return {"figure": self.figure, "of": self.of} | {k: v.to_dict() if v else None for k, v in figures.items()}


def told(figure: str, estimate: Estimate | None) -> str:
    """An estimate as people read it: a share as a percentage; "" where there is none."""
    if estimate is None:
        return ""
    return estimate.percent() if figure in SHARES else str(estimate)


def claimed(figure: str, estimate: Estimate | None) -> str:
    """A claim with all the decimals its authors print."""
    if estimate is None:
        return "none"
    if figure not in SHARES:
        return f"{estimate.value:g} (no interval)"
    if f"{100 * estimate.value:.2f}".endswith("0"):
        return told(figure, estimate)
    interval = (
        "no interval" if estimate.low is None else f"{100 * estimate.low:.2f} to {100 * (estimate.high or 0):.2f}"
    )
    return f"{100 * estimate.value:.2f} % ({interval})"


def rests_on(estimate: Estimate | None) -> str:
    """So many images of so many patients, or so many that are no copies of each other."""
    if estimate is None:
        return ""
    if estimate.unit == "image":
        copies = f", {estimate.units:,} different" if estimate.units < estimate.n else ""
        return f"{estimate.n:,} image{'s' * (estimate.n != 1)}{copies}"
    return evidence(estimate)
