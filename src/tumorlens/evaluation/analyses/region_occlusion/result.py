"""Figures with something blanked, beside those of the images as they are, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.metrics.classification import Metrics
from tumorlens.stats import Estimate

TITLES = {
    "outside_blanked": "all but the head blanked",
    "head_blanked": "head blanked",
    "tumor_blanked": "tumor blanked",
}
"""The three tests, and how people call them."""


@dataclass(frozen=True, eq=False)
class OcclusionTest:
    """One of the three tests.

    Attributes:
        name: a key of `TITLES`.
        chosen: (n,) positions of the images among all that were measured.
        logits: (n, K) of them with something blanked.
        plain: figures of the same images as they are.
        blanked: figures with something blanked.
        difference: accuracy of `blanked` less that of `plain`, image by image.
    """

    name: str
    chosen: Ints
    logits: Floats
    plain: Metrics
    blanked: Metrics
    difference: Estimate

    @property
    def guessing(self) -> float:
        """The accuracy of one who names the commonest class of these images every time."""
        return max(self.blanked.support.values()) / sum(self.blanked.support.values())

    @property
    def beats_chance(self) -> bool:
        """Whether classes are told apart, beyond what the choice of patients explains.

        Balanced accuracy decides, since it cannot be raised by naming a common class often: whoever does not look
        has one in as many as there are classes.
        """
        present = sum(count > 0 for count in self.blanked.support.values())
        figures = self.blanked.overall
        return _above(figures["balanced_accuracy"], 1 / present) or _above(figures["accuracy"], self.guessing)

    @property
    def loses(self) -> bool:
        """Whether blanking costs accuracy, beyond what the choice of patients explains."""
        return _sign(self.difference) < 0

    @property
    def meaning(self) -> str:
        """What the figures say, in one sentence."""
        return {"outside_blanked": _outside, "head_blanked": _head, "tumor_blanked": _tumor}[self.name](self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "accuracy": self.blanked.overall["accuracy"].to_dict(),
            "plain_accuracy": self.plain.overall["accuracy"].to_dict(),
            "difference": self.difference.to_dict(),
            "guessing": self.guessing,
            "balanced_accuracy": self.blanked.overall["balanced_accuracy"].to_dict(),
            "sensitivity": {label: f["sensitivity"].to_dict() for label, f in self.blanked.per_class.items()},
            "meaning": self.meaning,
        }


@dataclass(frozen=True, eq=False)
class RegionOcclusion:
    """What the network names when something is blanked.

    Attributes:
        tests: the three of `TITLES`, in that order.
        filled: images in which no background was found, so that all of them is head.
    """

    tests: tuple[OcclusionTest, ...]
    filled: int

    @property
    def caveat(self) -> str | None:
        """What must be said before any accuracy is quoted; None where blank images tell the network nothing."""
        head = next(test for test in self.tests if test.name == "head_blanked")
        return head.meaning if head.beats_chance else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {test.name: test.to_dict() for test in self.tests} | {"filled_by_the_head": self.filled}


def _above(figure: Estimate, chance: float) -> bool:
    return figure.low is not None and figure.low > chance


def _sign(difference: Estimate) -> int:
    """-1 or 1 for a difference beyond chance, else 0; where every patient shows the same, that is the interval."""
    if difference.low is None or difference.high is None:
        return int(np.sign(difference.value)) if difference.units > 1 else 0
    return int(difference.low > 0) - int(difference.high < 0)


def _outside(test: OcclusionTest) -> str:
    start = (
        f"With all but the head blanked the network names {_right(test.blanked)} right, and {_right(test.plain)} of "
        "the same images as they are: "
    )
    if test.loses:
        return start + "part of its answers rests on what lies outside of the head."
    if _sign(test.difference) > 0:
        return start + "what lies outside of the head misleads it."
    return start + "it is not shown to need anything outside of the head."


def _head(test: OcclusionTest) -> str:
    named, guessing = _right(test.blanked), f"guessing gives {100 * test.guessing:.1f} %"
    reads = "it reads something outside of the head, or the outline of what is blanked."
    if _above(test.blanked.overall["accuracy"], test.guessing):
        return f"With the head blanked the network still names {named} right where {guessing}: {reads}"
    start = f"With the head blanked the network names {named} right where {guessing}"
    if test.beats_chance:
        balanced = test.blanked.overall["balanced_accuracy"].percent()
        return f"{start}, and yet it tells classes apart (balanced accuracy {balanced}): {reads}"
    return f"{start}: it is not shown to read anything outside of the head."


def _tumor(test: OcclusionTest) -> str:
    one = sum(count > 0 for count in test.blanked.support.values()) == 1
    guessing = "" if one else f", where guessing gives {100 * test.guessing:.1f} %"
    start = (
        f"With the tumor blanked the network names {_right(test.blanked)} of the images that show one right, and "
        f"{_right(test.plain)} as they are{guessing}: "
    )
    if not test.loses:
        return start + "it is not shown to need the tumor."
    if test.beats_chance:
        return start + "it reads the tumor, and something else as well."
    return start + "it reads the tumor."


def _right(metrics: Metrics) -> str:
    return metrics.overall["accuracy"].percent()
