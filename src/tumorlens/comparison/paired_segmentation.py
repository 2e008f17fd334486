"""The arrow two evaluations -> how much better the second run draws, on the same masks, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.evaluation.stored_evaluation import Measured
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

FIGURES = ("dice", "hd95")
_SIZE = "mask_pixels"


@dataclass(frozen=True)
class SegmentationDifference:
    """What the same true masks say of two runs. Figures are means over the images that have a mask.

    Attributes:
        distance_unit: what `hd95` is in.
        first: of the run compared with, by the names of `FIGURES`; ``"hd95"`` only where both have it in one unit.
        second: of the other.
        difference: the second less the first, resampled together by patient. For ``"hd95"`` less is better.
    """

    distance_unit: str
    first: dict[str, Estimate]
    second: dict[str, Estimate]
    difference: dict[str, Estimate]

    def conclusion(self, first: str, second: str) -> str:
        """What can be said of Dice, in one or two sentences, given the runs' names."""
        low, high = self.difference["dice"].low, self.difference["dice"].high
        if low is None or high is None:
            return "All resamples give the same difference in Dice, so nothing is concluded about it."
        if low <= 0 <= high:
            return (
                "The interval of the difference in Dice includes 0: no difference is shown. That is not proof of "
                f"equality: {low:+.3f} to {high:+.3f} fit these images."
            )
        better, worse = (second, first) if low > 0 else (first, second)
        return f"The interval of the difference in Dice leaves out 0: {better} draws better than {worse}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"masks": self.difference["dice"].n, "distance_unit": self.distance_unit} | {
            side: {name: figure.to_dict() for name, figure in getattr(self, side).items()}
            for side in ("first", "second", "difference")
        }


def draw_both(one: Measured, two: Measured, both: Sequence[str]) -> bool:
    """Whether both evaluations measured masks in the images `both`."""
    return all(any(of.answers[name].drawn for name in both) for of in (one, two))


def same_masks(one: Measured, two: Measured, both: Sequence[str]) -> bool:
    """Whether the true masks of the images `both` were the same in both evaluations, as far as their sizes tell."""
    for name in both:
        mine, its = one.answers[name].drawn, two.answers[name].drawn
        if bool(mine) != bool(its) or mine.get(_SIZE, its.get(_SIZE)) != its.get(_SIZE, mine.get(_SIZE)):
            return False
    return True


def compare_drawn(
    one: Measured,
    two: Measured,
    both: Sequence[str],
    bootstrap: ClusterBootstrap,
) -> SegmentationDifference | None:
    """Compare what two runs drew in the images that have a mask.

    Args:
        one: an evaluation.
        two: another.
        both: ids of the images to compare.
        bootstrap: their patients.

    Returns:
        None where one of them drew nothing, no image has a mask, or the true masks are not the same.
    """
    if not draw_both(one, two, both) or not same_masks(one, two, both):
        return None
    masked = [i for i, name in enumerate(both) if one.answers[name].drawn]
    resampled = BootstrapDraws.draw(bootstrap.only(masked))
    images = resampled.sums(np.ones(len(masked)))
    distances = [of.facts["segmentation"].get("distance_unit", "") for of in (one, two)]
    names = FIGURES if distances[0] and distances[0] == distances[1] else FIGURES[:1]

    def means(of: Measured) -> dict[str, Floats]:
        rows = [of.answers[both[i]].drawn for i in masked]
        return {name: resampled.sums([row[name] for row in rows]) / images for name in names}

    first, second = means(one), means(two)
    return SegmentationDifference(
        distance_unit=distances[0],
        first={name: resampled.estimate(first[name]) for name in names},
        second={name: resampled.estimate(second[name]) for name in names},
        difference={name: resampled.estimate(second[name] - first[name]) for name in names},
    )
