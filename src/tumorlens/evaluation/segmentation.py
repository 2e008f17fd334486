"""Drawn masks + true masks -> Dice and intersection over union, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.datasets.folder import HEALTHY
from tumorlens.scan import Mask, is_rectangle
from tumorlens.stats import Estimate, Flags, Resamples

NAMES = {"dice": "Dice", "iou": "IoU of the tumour", "mean_iou": "mean IoU"}
"""The figures, and how people call them."""


@dataclass(frozen=True)
class Drawing:
    """What a network drew in one picture, counted in pixels against the true mask.

    Attributes:
        pixels: of the picture.
        drawn: pixels drawn as tumour.
        true: pixels of tumour in the mask; None where the picture has no mask.
        both: pixels of both; 0 without a mask.
        rectangle: whether the true mask is one filled rectangle.
    """

    pixels: int
    drawn: int
    true: int | None = None
    both: int = 0
    rectangle: bool = False

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


@dataclass(frozen=True, eq=False)
class Segmentation:
    """How well tumours are drawn. Figures are computed for each picture that has a mask, then averaged.

    Attributes:
        drawings: one for each sample, with or without a mask.
        overall: ``"dice"``, ``"iou"`` and ``"mean_iou"``, as `Drawing` defines them.
        per_class: the same of each class of which a picture has a mask.
        empty: true masks that show no tumour.
        missed: true masks that show a tumour of which no pixel was drawn.
        rectangles: true masks that are one filled rectangle: boxes, most likely.
        healthy: pictures without a mask, of a class without tumour.
        healthy_drawn: those in which something was drawn all the same.
    """

    drawings: tuple[Drawing, ...]
    overall: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]]
    empty: int
    missed: int
    rectangles: int
    healthy: int
    healthy_drawn: int

    @property
    def masks(self) -> int:
        """Pictures that have a mask, and so count."""
        return self.overall["dice"].n

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what was drawn in each picture is in predictions.csv."""
        counts = ("masks", "empty", "missed", "rectangles", "healthy", "healthy_drawn")
        return {name: getattr(self, name) for name in counts} | {
            "overall": {name: figure.to_dict() for name, figure in self.overall.items()},
            "per_class": {
                label: {name: figure.to_dict() for name, figure in figures.items()}
                for label, figures in self.per_class.items()
            },
        }


def compare_mask(sample: Sample, drawn: Mask) -> Drawing:
    """Count what was drawn against the sample's own mask.

    Args:
        sample: with or without a mask.
        drawn: (H, W) at the size of its picture, 1 = tumour.

    Raises:
        ScanError, DataError: the mask cannot be read, or does not fit its picture.
    """
    mask = read_sample_mask(sample)
    area = int(np.count_nonzero(drawn))
    if mask is None:
        return Drawing(drawn.size, area)
    return Drawing(
        drawn.size, area, int(np.count_nonzero(mask)), int(np.count_nonzero(drawn & mask)), is_rectangle(mask)
    )


def measure_masks(
    drawings: Sequence[Drawing],
    samples: Sequence[Sample],
    units: Sequence[str],
    unit: str,
    classes: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> Segmentation | None:
    """Average over pictures, with 95 % intervals by unit.

    Args:
        drawings: one for each sample.
        samples: as many.
        units: what is resampled as one: the picture's patient, or its own id.
        unit: what a unit is, as in `Estimate`.
        classes: the class map.
        seed: of the resamples.
        resamples: how many.

    Returns:
        None where no picture has a mask.
    """
    chosen = [i for i, drawing in enumerate(drawings) if drawing.true is not None]
    if not chosen:
        return None
    known = [drawings[i] for i in chosen]
    labels = np.array([samples[i].label for i in chosen])
    resampled = Resamples.draw([units[i] for i in chosen], unit, resamples=resamples, seed=seed)
    values = {name: np.array([getattr(drawing, name) for drawing in known]) for name in NAMES}

    def means(among: Flags) -> dict[str, Estimate]:
        images = resampled.sums(among)
        images[images == 0] = np.nan  # a resample without any picture of this class says nothing
        return {name: resampled.estimate(resampled.sums(v * among) / images, among) for name, v in values.items()}

    bare = [
        drawing
        for drawing, sample in zip(drawings, samples, strict=True)
        if drawing.true is None and sample.label in HEALTHY
    ]
    return Segmentation(
        drawings=tuple(drawings),
        overall=means(np.full(len(known), True)),
        per_class={name: means(labels == name) for name in classes if name in labels},
        empty=sum(drawing.true == 0 for drawing in known),
        missed=sum(bool(drawing.true) and not drawing.both for drawing in known),
        rectangles=sum(drawing.rectangle for drawing in known),
        healthy=len(bare),
        healthy_drawn=sum(drawing.drawn > 0 for drawing in bare),
    )


def _ratio(part: int, whole: int) -> float:
    """A share of pixels; 1 where there are none, and so nothing to miss."""
    return part / whole if whole else 1.0
