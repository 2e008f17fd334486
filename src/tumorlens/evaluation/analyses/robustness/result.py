"""Figures of disturbed images beside those of the same images as they are, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.report.text import points
from tumorlens.stats import Estimate

_HARMLESS = 2  # the severity up to which a radiologist reads past an artifact


@dataclass(frozen=True)
class Cell:
    """One artifact at one severity.

    Attributes:
        severity: 1 to 5; 1 where there is only one.
        amount: how much that is, in words.
        accuracy: of the images with the artifact.
        difference: `accuracy` less that of the same images as they are.
        dice: mean over the images with a mask; None where the network draws none, or there is no mask.
        dice_difference: the same for Dice.
        named: the class that is named most often.
        share: of the images of which it is named.
    """

    severity: int
    amount: str
    accuracy: Estimate
    difference: Estimate
    dice: Estimate | None
    dice_difference: Estimate | None
    named: str
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
            "named_most": self.named,
            "named_most_share": self.share,
        }


@dataclass(frozen=True)
class Row:
    """One artifact at all its severities.

    Attributes:
        name: a key of `ARTIFACTS`.
        title: how people call it.
        cells: one for each severity.
        accuracy: mean over them.
        dice: the same; None as in `Cell`.
    """

    name: str
    title: str
    cells: tuple[Cell, ...]
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
class Summary:
    """One figure over all artifacts.

    Attributes:
        clean: of the images as they are.
        severities: at each severity, the mean over the artifacts that have five.
        mean: over artifacts, each counted once, as the mean over its severities.
        drop: what is lost of `clean`: (clean - mean) / clean.
        differences: each of `severities` less `clean`.
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
            "severities": [figure.to_dict() for figure in self.severities],
            "mean": self.mean.to_dict(),
            "relative_drop": self.drop.to_dict(),
            "differences": [figure.to_dict() for figure in self.differences],
            "falls_from_severity": self.falls_from,
        }


@dataclass(frozen=True)
class Robustness:
    """How a network holds up when images get worse.

    Means and the relative drop in the manner of Hendrycks and Dietterich (Benchmarking neural network robustness to
    common corruptions and perturbations, ICLR 2019), as shares of images and not as multiples of another network's.

    Attributes:
        positions: of the images that were measured, among those of the evaluation.
        rows: one for each artifact.
        accuracy: over all artifacts.
        dice: the same; None where the network draws no masks, or no image has one.
        seed: of what the artifacts draw at random.
    """

    positions: tuple[int, ...]
    rows: tuple[Row, ...]
    accuracy: Summary
    dice: Summary | None
    seed: int

    @property
    def worst(self) -> tuple[Row, Cell]:
        """The artifact and the severity with the lowest accuracy."""
        return min(((row, cell) for row in self.rows for cell in row.cells), key=lambda pair: pair[1].accuracy.value)

    @property
    def worst_words(self) -> str:
        """The worst of all cells, in one sentence."""
        row, cell = self.worst
        severity = f" at severity {cell.severity}" if len(row.cells) > 1 else ""
        return (
            f"Worst is {row.title}{severity} ({cell.amount}): accuracy {cell.accuracy.percent()}, and "
            f"{100 * cell.share:.0f} % of the images are named {cell.named}."
        )

    @property
    def meaning(self) -> str:
        """What the figures say, in one sentence."""
        first = self.accuracy.falls_from
        if first is None:
            return (
                "In the mean over artifacts no loss of accuracy is shown at any severity; single ones may cost some, "
                "see the worst."
            )
        lost = points(self.accuracy.differences[first - 1])
        start = f"In the mean over artifacts accuracy falls from severity {first} on ({lost}), "
        if first <= _HARMLESS:
            return start + (
                "where a radiologist reads past them: the figures of clean images do not hold for those of another "
                "scanner or another hand."
            )
        return start + (
            "where they are plainly seen: images that a radiologist would complain of should not be given to this "
            "network."
        )

    @property
    def summary(self) -> str:
        """The means and the drop, in one sentence."""
        said = _said("accuracy", self.accuracy, percent=True)
        return f"Over all artifacts {said}" + (f"; {_said('Dice', self.dice, percent=False)}." if self.dice else ".")

    @property
    def caveat(self) -> str | None:
        """What must be said before any accuracy is quoted; None where slight artifacts are not shown to cost any."""
        return self.meaning if (self.accuracy.falls_from or _HARMLESS + 1) <= _HARMLESS else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        row, cell = self.worst
        return {
            "images": len(self.positions),
            "seed": self.seed,
            "accuracy": self.accuracy.to_dict(),
            "dice": self.dice.to_dict() if self.dice else None,
            "worst": {"artifact": row.name, "severity": cell.severity, "words": self.worst_words},
            "summary": self.summary,
            "meaning": self.meaning,
            "artifacts": {row.name: row.to_dict() for row in self.rows},
        }


def _said(name: str, found: Summary, *, percent: bool) -> str:
    mean, clean = (figure.percent() if percent else str(figure) for figure in (found.mean, found.clean))
    return (
        f"{name} is {mean} in the mean and {clean} on the same images as they are, a relative drop of "
        f"{found.drop.percent()}"
    )


def _plain(figure: Estimate | None) -> dict[str, Any] | None:
    return figure.to_dict() if figure else None
