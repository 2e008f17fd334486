"""Metrics with a region occluded, beside those of the same images without occlusion, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.metrics.classification import Metrics
from tumorlens.report.text import percentage
from tumorlens.scan import GrayImage
from tumorlens.stats import Estimate

TEST_TITLES = {
    "outside_head_occluded": "outside of the head occluded",
    "head_occluded": "head occluded",
    "tumor_occluded": "tumor occluded",
}
"""The three tests and their titles."""


@dataclass(frozen=True, eq=False)
class OcclusionTest:
    """One of the three tests.

    Attributes:
        name: a key of `TEST_TITLES`.
        positions: (n,) of the images among all that were measured.
        logits: (n, K) of them with the region occluded.
        original: metrics of the same images without occlusion.
        occluded: metrics with the region occluded.
        difference: accuracy of `occluded` minus that of `original`, paired by image.
    """

    name: str
    positions: Ints
    logits: Floats
    original: Metrics
    occluded: Metrics
    difference: Estimate

    @property
    def majority_accuracy(self) -> float:
        """The accuracy of always predicting the most frequent class of these images."""
        return max(self.occluded.support.values()) / sum(self.occluded.support.values())

    @property
    def beats_chance(self) -> bool:
        """Whether classes are told apart, beyond what the choice of patients explains.

        Balanced accuracy decides, since it cannot be raised by predicting a frequent class often: without information
        it is one divided by the number of classes.
        """
        present = sum(count > 0 for count in self.occluded.support.values())
        overall = self.occluded.overall
        return _above(overall["balanced_accuracy"], 1 / present) or _above(overall["accuracy"], self.majority_accuracy)

    @property
    def loses(self) -> bool:
        """Whether occlusion costs accuracy, beyond what the choice of patients explains."""
        return _sign(self.difference) < 0

    @property
    def conclusion(self) -> str:
        """What the metrics mean, in one sentence."""
        return {
            "outside_head_occluded": _outside_head,
            "head_occluded": _head,
            "tumor_occluded": _tumor,
        }[self.name](self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "accuracy": self.occluded.overall["accuracy"].to_dict(),
            "original_accuracy": self.original.overall["accuracy"].to_dict(),
            "difference": self.difference.to_dict(),
            "majority_accuracy": self.majority_accuracy,
            "balanced_accuracy": self.occluded.overall["balanced_accuracy"].to_dict(),
            "sensitivity": {label: f["sensitivity"].to_dict() for label, f in self.occluded.per_class.items()},
            "conclusion": self.conclusion,
        }


@dataclass(frozen=True, eq=False)
class OcclusionExample:
    """One image with each region occluded, (H, W) uint8 each.

    Attributes:
        position: of its sample among those that were measured.
        original: the image.
        outside_head: everything outside of the head occluded.
        head: the head occluded.
        tumor: the tumor occluded; None where no mask shows one.
    """

    position: int
    original: GrayImage
    outside_head: GrayImage
    head: GrayImage
    tumor: GrayImage | None


@dataclass(frozen=True, eq=False)
class RegionOcclusion:
    """What the network predicts with a region occluded.

    Attributes:
        tests: the three of `TEST_TITLES`, in that order.
        images: how many images were measured.
        filled: images in which no background was found, so that all of them counts as head.
        examples: one image of each class, to show; empty for pooled folds.
    """

    tests: tuple[OcclusionTest, ...]
    images: int
    filled: int
    examples: tuple[OcclusionExample, ...] = ()

    @property
    def caveats(self) -> tuple[str, ...]:
        """That classes can be told without the head, where they can."""
        head = next(test for test in self.tests if test.name == "head_occluded")
        return (head.conclusion,) if head.beats_chance else ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """One sentence for each test."""
        return tuple(test.conclusion for test in self.tests)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {test.name: test.to_dict() for test in self.tests} | {"images_without_background": self.filled}


def _above(estimate: Estimate, chance: float) -> bool:
    return estimate.low is not None and estimate.low > chance


def _sign(difference: Estimate) -> int:
    """-1 or 1 for a difference beyond chance, else 0; where every patient shows the same, that is the interval."""
    if difference.low is None or difference.high is None:
        return int(np.sign(difference.value)) if difference.units > 1 else 0
    return int(difference.low > 0) - int(difference.high < 0)


def _outside_head(test: OcclusionTest) -> str:
    start = (
        f"With everything outside of the head occluded, accuracy is {_accuracy(test.occluded)}; without occlusion "
        "it is "
        f"{_accuracy(test.original)} on the same images: "
    )
    if test.loses:
        return start + "predictions depend in part on what lies outside of the head."
    if _sign(test.difference) > 0:
        return start + "what lies outside of the head misleads the network."
    return start + "no dependence on the outside of the head is shown."


def _head(test: OcclusionTest) -> str:
    start = (
        f"With the head occluded, accuracy is {_accuracy(test.occluded)}; always predicting the most frequent "
        "class gives "
        f"{percentage(test.majority_accuracy)}"
    )
    shortcut = "the network uses something outside of the head, or the outline of the occluded region."
    if _above(test.occluded.overall["accuracy"], test.majority_accuracy):
        return f"{start}: {shortcut}"
    if test.beats_chance:
        balanced = test.occluded.overall["balanced_accuracy"].percent()
        return f"{start}, but balanced accuracy is {balanced}: {shortcut}"
    return f"{start}: no use of anything outside of the head is shown."


def _tumor(test: OcclusionTest) -> str:
    one_class = sum(count > 0 for count in test.occluded.support.values()) == 1
    majority = (
        "" if one_class else f" (always predicting the most frequent class gives {percentage(test.majority_accuracy)})"
    )
    start = (
        f"With the tumor occluded, accuracy on images that show one is {_accuracy(test.occluded)}; without "
        "occlusion it is "
        f"{_accuracy(test.original)}{majority}: "
    )
    if not test.loses:
        return start + "no dependence on the tumor is shown."
    if test.beats_chance:
        return start + "the network uses the tumor, and something else as well."
    return start + "the network uses the tumor."


def _accuracy(metrics: Metrics) -> str:
    return metrics.overall["accuracy"].percent()
