"""Two stored evaluations -> SegmentationDifference: paired differences of Dice and HD95, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.evaluation.stored_evaluation import StoredEvaluation
from tumorlens.metrics.names import METRICS
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

COMPARED_METRICS = ("dice", "hd95")
_SIZE = "reference_pixels"


@dataclass(frozen=True)
class SegmentationDifference:
    """The segmentation of two runs, compared with the same reference masks.

    Metrics are means over the images with a reference mask, by the names of `COMPARED_METRICS`. ``"hd95"`` is missing
    where the evaluations measured it in different units.

    Attributes:
        distance_unit: of ``"hd95"``.
        first: metrics of the first run.
        second: metrics of the second run.
        difference: second minus first, from the same bootstrap samples. For ``"hd95"``, lower is better.
    """

    distance_unit: str
    first: dict[str, Estimate]
    second: dict[str, Estimate]
    difference: dict[str, Estimate]

    def conclusion(self, first: str, second: str) -> str:
        """The conclusion about Dice in one or two sentences, with the names of the runs."""
        low, high, dice = self.difference["dice"].low, self.difference["dice"].high, METRICS["dice"].title
        if low is None or high is None:
            return (
                f"All bootstrap samples give the same difference in {dice}, so there is no interval and no conclusion."
            )
        if low <= 0 <= high:
            return (
                f"The interval of the difference in {dice} includes 0: no difference is shown. This does not prove "
                f"equality: differences from {difference_range('dice', low, high)} are compatible with these images."
            )
        better, worse = (second, first) if low > 0 else (first, second)
        return f"The interval of the difference in {dice} excludes 0: {better} segments better than {worse}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"masks": self.difference["dice"].n, "distance_unit": self.distance_unit} | {
            key: {name: estimate.to_dict() for name, estimate in getattr(self, key).items()}
            for key in ("first", "second", "difference")
        }


def difference_range(metric: str, low: float, high: float) -> str:
    """The ends of an interval of differences in the unit of a metric, as ``"-1.3 to +7.5 points"`` of a share."""
    if METRICS[metric].percent:
        return f"{100 * low:+.1f} to {100 * high:+.1f} points"
    return f"{low:+.3f} to {high:+.3f}"


def both_segment(one: StoredEvaluation, two: StoredEvaluation, both: Sequence[str]) -> bool:
    """Whether both evaluations measured predicted masks in the images `both`."""
    return all(any(evaluation.predictions[name].segmentation for name in both) for evaluation in (one, two))


def same_reference_masks(one: StoredEvaluation, two: StoredEvaluation, both: Sequence[str]) -> bool:
    """Whether the reference masks of the images `both` have the same sizes in both evaluations."""
    for name in both:
        first, second = one.predictions[name].segmentation, two.predictions[name].segmentation
        if bool(first) != bool(second) or first.get(_SIZE, second.get(_SIZE)) != second.get(_SIZE, first.get(_SIZE)):
            return False
    return True


def compare_segmentation(
    one: StoredEvaluation,
    two: StoredEvaluation,
    both: Sequence[str],
    bootstrap: ClusterBootstrap,
) -> SegmentationDifference | None:
    """Compare the predicted masks of two runs in the images that have a reference mask.

    Args:
        one: an evaluation.
        two: another evaluation.
        both: ids of the images to compare.
        bootstrap: sampling units of these images.

    Returns:
        None where one run predicts no masks, no image has a reference mask, or the reference masks differ.
    """
    if not both_segment(one, two, both) or not same_reference_masks(one, two, both):
        return None
    masked = [i for i, name in enumerate(both) if one.predictions[name].segmentation]
    resampled = BootstrapDraws.draw(bootstrap.only(masked))
    images = resampled.sums(np.ones(len(masked)))
    measured = [evaluation.record.segmentation for evaluation in (one, two)]
    distances = [segmentation.distance_unit if segmentation else "" for segmentation in measured]
    names = COMPARED_METRICS if distances[0] and distances[0] == distances[1] else COMPARED_METRICS[:1]

    def means(evaluation: StoredEvaluation) -> dict[str, Floats]:
        rows = [evaluation.predictions[both[i]].segmentation for i in masked]
        return {name: resampled.sums([row[name] for row in rows]) / images for name in names}

    first, second = means(one), means(two)
    return SegmentationDifference(
        distance_unit=distances[0],
        first={name: resampled.estimate(first[name]) for name in names},
        second={name: resampled.estimate(second[name]) for name in names},
        difference={name: resampled.estimate(second[name] - first[name]) for name in names},
    )
