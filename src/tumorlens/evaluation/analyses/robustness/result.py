"""Metrics under artifacts beside those of the same clean images, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.report.text import percentage, points
from tumorlens.scan import GrayImage
from tumorlens.stats import Estimate

_HARMLESS = 2  # the severity up to which a radiologist hardly notices an artifact


@dataclass(frozen=True)
class RobustnessCell:
    """One artifact at one severity.

    Attributes:
        severity: 1 to 5; 1 where there is only one.
        amount: its strength, in words.
        accuracy: of the images with the artifact.
        difference: `accuracy` minus that of the same clean images, paired.
        dice: mean over the images with a mask; None where the network does not segment, or no image has a mask.
        dice_difference: the same for Dice.
        predicted: the class that is predicted most often.
        share: of the images for which it is predicted.
    """

    severity: int
    amount: str
    accuracy: Estimate
    difference: Estimate
    dice: Estimate | None
    dice_difference: Estimate | None
    predicted: str
    share: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "severity": self.severity,
            "amount": self.amount,
            "accuracy": self.accuracy.to_dict(),
            "difference": self.difference.to_dict(),
            "dice": _plain(self.dice),
            "dice_difference": _plain(self.dice_difference),
            "most_predicted": self.predicted,
            "most_predicted_share": self.share,
        }


@dataclass(frozen=True)
class RobustnessRow:
    """One artifact at all its severities.

    Attributes:
        name: a key of `ARTIFACTS`.
        title: its name in tables and plots.
        cells: one for each severity.
        accuracy: mean over them.
        dice: the same; None as in `RobustnessCell`.
    """

    name: str
    title: str
    cells: tuple[RobustnessCell, ...]
    accuracy: Estimate
    dice: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "title": self.title,
            "accuracy": self.accuracy.to_dict(),
            "dice": _plain(self.dice),
            "severities": [cell.to_dict() for cell in self.cells],
        }


@dataclass(frozen=True)
class RobustnessSummary:
    """One metric over all artifacts.

    Attributes:
        clean: of the images without artifacts.
        severities: at each severity, the mean over the artifacts that have five.
        mean: over artifacts, each counted once, as the mean over its severities.
        drop: the relative loss, (clean - mean) / clean.
        differences: each of `severities` minus `clean`.
    """

    clean: Estimate
    severities: tuple[Estimate, ...]
    mean: Estimate
    drop: Estimate
    differences: tuple[Estimate, ...]

    @property
    def falls_from(self) -> int | None:
        """The first severity at which it is lower than `clean`, beyond what the choice of patients explains."""
        lower = (i for i, one in enumerate(self.differences, start=1) if one.high is not None and one.high < 0)
        return next(lower, None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "clean": self.clean.to_dict(),
            "severities": [one.to_dict() for one in self.severities],
            "mean": self.mean.to_dict(),
            "relative_drop": self.drop.to_dict(),
            "differences": [one.to_dict() for one in self.differences],
            "falls_from_severity": self.falls_from,
        }


@dataclass(frozen=True, eq=False)
class ArtifactExample:
    """One image with one artifact.

    Attributes:
        artifact: a key of `ARTIFACTS`; empty for the clean image.
        severity: 1 to 5; 0 for the clean image.
        image: (H, W) uint8.
    """

    artifact: str
    severity: int
    image: GrayImage


@dataclass(frozen=True, eq=False)
class Robustness:
    """Accuracy and Dice under artifacts.

    Means and the relative drop follow Hendrycks and Dietterich (Benchmarking neural network robustness to common
    corruptions and perturbations, ICLR 2019), as shares of images and not as multiples of another network's.

    Attributes:
        positions: of the images that were measured, among those of the evaluation.
        rows: one for each artifact.
        accuracy: over all artifacts.
        dice: the same; None where the network does not segment, or no image has a mask.
        seed: of the random numbers in artifacts.
        images: how many images the evaluation has.
        example: position of the image that `examples` show.
        examples: that image under every artifact, to show.
    """

    positions: tuple[int, ...]
    rows: tuple[RobustnessRow, ...]
    accuracy: RobustnessSummary
    dice: RobustnessSummary | None
    seed: int
    images: int = 0
    example: int = 0
    examples: tuple[ArtifactExample, ...] = ()

    @property
    def worst(self) -> tuple[RobustnessRow, RobustnessCell]:
        """The artifact and the severity with the lowest accuracy."""
        return min(((row, cell) for row in self.rows for cell in row.cells), key=lambda pair: pair[1].accuracy.value)

    @property
    def worst_cell(self) -> str:
        """The worst of all cells, in one sentence."""
        row, cell = self.worst
        severity = f" at severity {cell.severity}" if len(row.cells) > 1 else ""
        return (
            f"The worst artifact is {row.title}{severity} ({cell.amount}): accuracy {cell.accuracy.percent()}; "
            f"{percentage(cell.share)} of the images are classified as {cell.predicted}."
        )

    @property
    def conclusion(self) -> str:
        """What the metrics mean, in one sentence."""
        first = self.accuracy.falls_from
        if first is None:
            return (
                "The mean over artifacts shows no loss of accuracy at any severity; single artifacts may cost some, "
                "see the worst one."
            )
        lost = points(self.accuracy.differences[first - 1])
        start = f"The mean over artifacts shows a loss of accuracy from severity {first} on ({lost}): "
        if first <= _HARMLESS:
            return start + (
                "a radiologist hardly notices artifacts of this severity, so metrics of clean images do not hold for "
                "images of other scanners and processing."
            )
        return start + "do not use this network on images with artifacts that a radiologist would complain about."

    @property
    def summary(self) -> str:
        """The means and the drop, in one sentence."""
        accuracy = _summarized("accuracy", self.accuracy, percent=True)
        dice = f"; {_summarized('Dice', self.dice, percent=False)}" if self.dice else ""
        return f"Over all artifacts {accuracy}{dice}."

    @property
    def caveats(self) -> tuple[str, ...]:
        """The conclusion, where slight artifacts cost accuracy."""
        return (self.conclusion,) if (self.accuracy.falls_from or _HARMLESS + 1) <= _HARMLESS else ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """The means, the worst artifact, and what they mean."""
        return (self.summary, self.worst_cell, self.conclusion)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        row, cell = self.worst
        return {
            "images": len(self.positions),
            "seed": self.seed,
            "accuracy": self.accuracy.to_dict(),
            "dice": self.dice.to_dict() if self.dice else None,
            "worst": {"artifact": row.name, "severity": cell.severity},
            "artifacts": {row.name: row.to_dict() for row in self.rows},
        }


def _summarized(name: str, summary: RobustnessSummary, *, percent: bool) -> str:
    mean, clean = (one.percent() if percent else str(one) for one in (summary.mean, summary.clean))
    return (
        f"the mean {name} is {mean}, and {clean} on the same images without artifacts: a relative drop of "
        f"{summary.drop.percent()}"
    )


def _plain(estimate: Estimate | None) -> dict[str, Any] | None:
    return estimate.to_dict() if estimate else None
