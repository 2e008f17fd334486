"""Drawn mask + sample -> what is counted of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.metrics.lesions import Lesions, match_lesions
from tumorlens.metrics.surfaces import Surfaces, compare_surfaces
from tumorlens.scan import Mask, is_box_mask

Unit = Literal["mm", "pixels"]
"""What distances are in."""

_UNKNOWN = Surfaces(float("nan"), float("nan"))


@dataclass(frozen=True)
class SegmentationCase:
    """What a network drew in one image, measured against the true mask; the masks themselves are not kept.

    Attributes:
        pixels: of the image.
        drawn: pixels drawn as tumor.
        true: pixels of tumor in the mask; None where the image has no mask.
        both: pixels of both; 0 without a mask.
        rectangle: whether the true mask is one filled rectangle.
        surfaces: how the outlines agree, in pixels; NaN without a mask.
        surfaces_mm: the same in millimeters; None where the spacing is unknown or the image has no mask.
        lesions: connected parts that were hit, missed, or drawn for nothing. An image without a mask has them only
            where its class has no tumor: all that is drawn there is drawn for nothing.
    """

    pixels: int
    drawn: int
    true: int | None = None
    both: int = 0
    rectangle: bool = False
    surfaces: Surfaces = _UNKNOWN
    surfaces_mm: Surfaces | None = None
    lesions: Lesions | None = None

    @property
    def dice(self) -> float:
        """Twice what both have over the sum of what each has; 1 where both are empty, NaN without a mask."""
        if self.true is None:
            return float("nan")
        return _ratio(2 * self.both, self.drawn + self.true)

    @property
    def iou(self) -> float:
        """What both have over what either has (Jaccard); 1 where both are empty, NaN without a mask."""
        if self.true is None:
            return float("nan")
        return _ratio(self.both, self.drawn + self.true - self.both)

    @property
    def mean_iou(self) -> float:
        """The mean of `iou` and of the same figure for the background; NaN without a mask."""
        if self.true is None:
            return float("nan")
        neither = self.pixels - self.drawn - self.true + self.both
        return (self.iou + _ratio(neither, self.pixels - self.both)) / 2

    def outlines(self, unit: Unit) -> Surfaces:
        """How the outlines agree, in that unit."""
        return self.surfaces_mm or _UNKNOWN if unit == "mm" else self.surfaces


def segmentation_case(sample: Sample, drawn: Mask, spacing: Sequence[float] | None = None) -> SegmentationCase:
    """Measure what was drawn against the sample's own mask.

    Args:
        sample: with or without a mask.
        drawn: (H, W) at the size of its image, 1 = tumor.
        spacing: of the image's rows and columns in millimeters; None where it is unknown.

    Raises:
        ScanError, DataError: the mask cannot be read, or does not fit its image.
    """
    mask = read_sample_mask(sample)
    area = int(np.count_nonzero(drawn))
    if mask is None:
        healthy = sample.label in HEALTHY
        return SegmentationCase(
            drawn.size, area, lesions=match_lesions(drawn, np.zeros_like(drawn)) if healthy else None
        )
    return SegmentationCase(
        pixels=drawn.size,
        drawn=area,
        true=int(np.count_nonzero(mask)),
        both=int(np.count_nonzero(drawn & mask)),
        rectangle=is_box_mask(mask),
        surfaces=compare_surfaces(drawn, mask),
        surfaces_mm=compare_surfaces(drawn, mask, (spacing[-2], spacing[-1])) if spacing else None,
        lesions=match_lesions(drawn, mask),
    )


def common_unit(drawings: Sequence[SegmentationCase]) -> Unit:
    """Millimeters where the spacing of every image with a mask is known, else pixels: the two have no mean."""
    known = [drawing.surfaces_mm is not None for drawing in drawings if drawing.true is not None]
    return "mm" if known and all(known) else "pixels"


def _ratio(part: int, whole: int) -> float:
    """A share of pixels; 1 where there are none, and so nothing to miss."""
    return part / whole if whole else 1.0
