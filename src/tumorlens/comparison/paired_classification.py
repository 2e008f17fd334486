"""The arrow two lists of answers to the same images -> how much better the second is, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.comparison.paired_segmentation import SegmentationDifference
from tumorlens.errors import DataError
from tumorlens.report.text import evidence
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate, mcnemar, paired_difference

SIGNIFICANT = 0.05
MOST_UNDEFINED = 0.05  # share of the resamples
TEST = "McNemar, exact binomial, two-sided"


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        name: of the run's folder.
        accuracy: share of the compared images it names right.
        balanced_accuracy: mean of the sensitivities of the classes that occur.
        only_correct: images that it names right and the other does not.
        facts: model, recipe, training seed, weights, split hash; empty where no run is behind it.
    """

    name: str
    accuracy: Estimate
    balanced_accuracy: Estimate
    only_correct: int
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        figures = {key: getattr(self, key).to_dict() for key in ("accuracy", "balanced_accuracy")}
        return {"name": self.name, **self.facts, **figures, "alone_right": self.only_correct}


@dataclass(frozen=True)
class Comparison:
    """What the same images say of two runs.

    Attributes:
        first: the run compared with.
        second: the other.
        accuracy: that of the second less that of the first; both are resampled together.
        balanced_accuracy: the same of balanced accuracy.
        p: of McNemar's test. It takes images for independent, so it is too small where a patient has several.
        drawn: how much better the second draws tumors; None where they are not compared by that.
        caveats: what must be known before the difference is quoted, each one to three sentences.
        facts: data, part, resamples and seed; empty where no runs are behind it.
    """

    first: Side
    second: Side
    accuracy: Estimate
    balanced_accuracy: Estimate
    p: float
    drawn: SegmentationDifference | None = None
    caveats: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def conclusion(self) -> str:
        """What can be said of the accuracies, in one to three sentences."""
        decisive = self.first.only_correct + self.second.only_correct
        if not decisive:
            return "Both are right on the same images: no difference in accuracy is shown."
        low, high = self.accuracy.low, self.accuracy.high
        if low is None or high is None:
            return "All resamples give the same difference, so no interval can be given and nothing is concluded."
        if low <= 0 <= high:
            return (
                "The interval of the difference includes 0: no difference in accuracy is shown. That is not proof of "
                f"equality: {100 * low:+.1f} to {100 * high:+.1f} points fit these images." + self._otherwise()
            )
        if self.p >= SIGNIFICANT:
            return (
                f"The interval leaves out 0, but only {decisive} images tell the two apart, too few for McNemar's "
                f"test (p = {self.p:.2g}): no difference in accuracy is shown."
            )
        better, worse = (self.second, self.first) if low > 0 else (self.first, self.second)
        return f"The interval of the difference leaves out 0: {better.name} is more accurate than {worse.name}."

    def _otherwise(self) -> str:
        """Where balanced accuracy would say something else than accuracy does."""
        low, high = self.balanced_accuracy.low, self.balanced_accuracy.high
        if low is None or high is None or low <= 0 <= high:
            return ""
        return " That of balanced accuracy leaves out 0; a claim rests on the figure that was chosen beforehand."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **self.facts,
            "images": self.accuracy.n,
            "unit": self.accuracy.unit,
            "units": self.accuracy.units,
            "evidence": evidence(self.accuracy),
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "difference": {
                "accuracy": self.accuracy.to_dict(),
                "balanced_accuracy": self.balanced_accuracy.to_dict(),
            },
            "mcnemar": {
                "test": TEST,
                "only_first_right": self.first.only_correct,
                "only_second_right": self.second.only_correct,
                "p": self.p,
            },
            "segmentation": (
                self.drawn.to_dict() | {"conclusion": self.drawn.conclusion(self.first.name, self.second.name)}
                if self.drawn
                else None
            ),
            "conclusion": self.conclusion,
            "caveats": list(self.caveats),
        }


def compare_predictions(
    labels: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    bootstrap: ClusterBootstrap,
    *,
    names: tuple[str, str] = ("first", "second"),
) -> Comparison:
    """`compare` for answers that are at hand, also those of other programs; gives no cautions.

    Args:
        labels: the true class of each of N images.
        first: the class that the first said of each.
        second: the class that the second said.
        bootstrap: their patients.
        names: how the two are called.

    Raises:
        DataError: there are no images, or not one answer of each for each of them.
    """
    counts = {len(labels), len(first), len(second), len(bootstrap)}
    if len(counts) > 1:
        raise DataError(
            f"{len(labels)} labels, {len(first)} and {len(second)} answers, {len(bootstrap)} units; "
            "expected one of each for every image"
        )
    truth = np.asarray(labels, dtype=str)
    right = [truth == np.asarray(said, dtype=str) for said in (first, second)]
    drawn = BootstrapDraws.draw(bootstrap)
    everyone = np.full(len(truth), True)
    images = drawn.sums(np.ones(len(truth)))
    balanced = [_macro_recall(drawn, truth, mine) for mine in right]
    sides = [
        Side(
            name=name,
            accuracy=drawn.proportion(drawn.sums(mine) / images, everyone),
            balanced_accuracy=_balanced(drawn, recall),
            only_correct=int((mine & ~other).sum()),
        )
        for name, mine, other, recall in zip(names, right, right[::-1], balanced, strict=True)
    ]
    return Comparison(
        first=sides[0],
        second=sides[1],
        accuracy=paired_difference(right[0], right[1], bootstrap),
        balanced_accuracy=_balanced(drawn, balanced[1] - balanced[0]),
        p=mcnemar(sides[0].only_correct, sides[1].only_correct),
    )


def _balanced(drawn: BootstrapDraws, column: Floats) -> Estimate:
    """The figure; without interval where many resamples lack a class, for the others are then no fair sample."""
    figure = drawn.estimate(column)
    if np.isnan(column[1:]).mean() <= MOST_UNDEFINED:
        return figure
    return replace(figure, low=None, high=None, method="none")


def _macro_recall(drawn: BootstrapDraws, truth: npt.NDArray[np.str_], right: Flags) -> Floats:
    """(1 + B,) mean sensitivity of the classes that occur; NaN in a resample that lacks one of them."""
    member = truth[:, None] == np.unique(truth)
    shown = drawn.sums(member)
    recall = np.full(shown.shape, np.nan)
    np.divide(drawn.sums(member & right[:, None]), shown, out=recall, where=shown > 0)
    return np.asarray(recall.mean(axis=1))
