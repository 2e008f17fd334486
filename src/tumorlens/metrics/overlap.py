"""Predicted mask + reference mask -> the counts and scores of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tumorlens.metrics.lesions import LesionCounts, match_lesions
from tumorlens.metrics.surfaces import Surfaces, compare_surfaces
from tumorlens.scan import Mask, is_box_mask

DistanceUnit = Literal["mm", "pixels"]
"""The unit of distances."""

_UNKNOWN = Surfaces(float("nan"), float("nan"))


@dataclass(frozen=True)
class SegmentationCase:
    """A predicted mask against the reference mask of one image; the masks themselves are not kept.

    Attributes:
        pixels: of the image.
        predicted: pixels predicted as tumor.
        reference: pixels of tumor in the reference mask; None where the image has none.
        intersection: pixels of both; 0 without a reference mask.
        box: whether the reference mask is one filled rectangle.
        surfaces: distances between the contours in pixels; NaN without a reference mask.
        surfaces_mm: the same in millimeters; None where the spacing is unknown or there is no reference mask.
        lesions: connected components that are detected, missed or false positive. An image without a reference mask has
            them only where its class has no tumor: every predicted component is a false positive there.
    """

    pixels: int
    predicted: int
    reference: int | None = None
    intersection: int = 0
    box: bool = False
    surfaces: Surfaces = _UNKNOWN
    surfaces_mm: Surfaces | None = None
    lesions: LesionCounts | None = None

    @property
    def dice(self) -> float:
        """Twice the intersection over the sum of both areas; 1 where both are empty, NaN without a reference mask."""
        if self.reference is None:
            return float("nan")
        return _ratio(2 * self.intersection, self.predicted + self.reference)

    @property
    def iou(self) -> float:
        """Intersection over union (Jaccard); 1 where both are empty, NaN without a reference mask."""
        if self.reference is None:
            return float("nan")
        return _ratio(self.intersection, self.predicted + self.reference - self.intersection)

    @property
    def mean_iou(self) -> float:
        """The mean of `iou` and of the IoU of the background; NaN without a reference mask."""
        if self.reference is None:
            return float("nan")
        neither = self.pixels - self.predicted - self.reference + self.intersection
        return (self.iou + _ratio(neither, self.pixels - self.intersection)) / 2

    def surfaces_in(self, unit: DistanceUnit) -> Surfaces:
        """Distances between the contours, in that unit."""
        return self.surfaces_mm or _UNKNOWN if unit == "mm" else self.surfaces


def segmentation_case(
    predicted: Mask, reference: Mask | None, spacing: Sequence[float] | None = None, *, healthy: bool = False
) -> SegmentationCase:
    """Compare two masks.

    Args:
        predicted: (H, W), 1 = tumor.
        reference: the same; None where the image has none.
        spacing: of rows and columns in millimeters; None where it is unknown.
        healthy: whether the image is known to show no tumor, so that without a reference mask every predicted
            component is a false positive.
    """
    area = int(np.count_nonzero(predicted))
    if reference is None:
        lesions = match_lesions(predicted, np.zeros_like(predicted)) if healthy else None
        return SegmentationCase(predicted.size, area, lesions=lesions)
    return SegmentationCase(
        pixels=predicted.size,
        predicted=area,
        reference=int(np.count_nonzero(reference)),
        intersection=int(np.count_nonzero(predicted & reference)),
        box=is_box_mask(reference),
        surfaces=compare_surfaces(predicted, reference),
        surfaces_mm=compare_surfaces(predicted, reference, (spacing[-2], spacing[-1])) if spacing else None,
        lesions=match_lesions(predicted, reference),
    )


def common_unit(cases: Sequence[SegmentationCase]) -> DistanceUnit:
    """Millimeters where the spacing of every image with a mask is known, else pixels: the two have no mean."""
    known = [case.surfaces_mm is not None for case in cases if case.reference is not None]
    return "mm" if known and all(known) else "pixels"


def _ratio(part: int, whole: int) -> float:
    """A share of pixels; 1 where there are none, and so nothing to miss."""
    return part / whole if whole else 1.0
