"""The answer for one image, as Python, JSON and CSV see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.datasets.classes import HEALTHY
from tumorlens.scan import Box, Mask
from tumorlens.scan.lesion_size import Lesion, bounding_box, measure_lesions


@dataclass(frozen=True)
class TumorMeasurements:
    """What is drawn in one image.

    Attributes:
        pixels: of it; 0 where nothing is drawn.
        mm2: the same in square millimeters; None where it is not known how large the pixels are.
        box: around it: top, left, height and width in pixels; None where nothing is drawn.
        lesions: connected parts of it.
        largest: the largest of them, measured; None where nothing is drawn.
    """

    pixels: int
    mm2: float | None
    box: Box | None
    lesions: int
    largest: Lesion | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "pixels": self.pixels,
            "mm2": None if self.mm2 is None else round(self.mm2, 2),
            "box": list(self.box) if self.box else None,
            "lesions": self.lesions,
            "largest": self.largest.to_dict() if self.largest else None,
        }

    def __str__(self) -> str:
        if not self.largest:
            return "no tumor drawn"
        area = f"{self.pixels:,} pixels" if self.mm2 is None else f"{self.mm2:,.0f} mm2"
        whose = f" in {self.lesions} parts, the largest" if self.lesions > 1 else ","
        lines = (self.largest.diameter, self.largest.perpendicular)
        across = " x ".join(f"{line.pixels if line.mm is None else line.mm:.1f}" for line in lines)
        unit = "pixels" if self.mm2 is None else "mm"
        side = {None: "", "midline": ", on the midline"}.get(self.largest.side, f", on the {self.largest.side}")
        return f"tumor drawn, {area}{whose} {across} {unit} across{side}"


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a bundle says of one slice.

    Attributes:
        source: the file, or ``"array"``.
        label: the most probable class.
        probabilities: class to calibrated probability, in the bundle's class order; they sum to 1.
        heatmap: (H, W) float32 from 0 to 1, what speaks for `label` where; None where the network gives none.
        mask: (H, W) uint8, 1 where the network draws a tumor; None where it draws none at all.
        size: height and width of the image, pixels.
        spacing: millimeters between pixels, (row, column); None where it is not known.
        bundle: name of the bundle that answered.
        milliseconds: from pixels to probabilities.
        orientation: of the scan, as in `Scan`; None where the file does not say.
        spacing_source: ``"file"``, or ``"user"`` where the file does not say and a person did; None without a spacing.
        ood: whether the image is unlike those the network learned from, so that its answer means nothing; one
            of a single gray always is. None where the bundle cannot say.
        ood_score: how unlike; above 1 it is outside. None where the bundle gives none.
        prediction_set: the classes that cannot be ruled out with the error that was allowed; None where none was given.
    """

    source: str
    label: str
    probabilities: dict[str, float]
    heatmap: npt.NDArray[np.float32] | None
    mask: Mask | None
    size: tuple[int, int]
    spacing: tuple[float, ...] | None
    model: str
    milliseconds: float
    orientation: str | None = None
    spacing_source: str | None = None
    ood: bool | None = None
    ood_score: float | None = None
    prediction_set: tuple[str, ...] | None = None

    @property
    def probability(self) -> float:
        """Probability of `label`."""
        return self.probabilities[self.label]

    @property
    def abstains(self) -> bool:
        """Whether the label should not be used: the image is outside, or not exactly one class is possible."""
        return bool(self.ood) or (self.prediction_set is not None and len(self.prediction_set) != 1)

    @property
    def abstention_reason(self) -> str:
        """Why it abstains, in words; empty where it does not."""
        if self.ood:
            return "outside of what this model is for: not like the brain MRI it learned from"
        if not self.abstains or self.prediction_set is None:
            return ""
        return f"unsure, may be {' or '.join(self.prediction_set)}" if self.prediction_set else "unsure, no class fits"

    @cached_property
    def tumor(self) -> TumorMeasurements | None:
        """How large what is drawn is, and where; None where the network does not segment."""
        if self.mask is None:
            return None
        pixels = int(np.count_nonzero(self.mask))
        area = pixels * self.spacing[-2] * self.spacing[-1] if self.spacing else None
        box = bounding_box(self.mask) if pixels else None
        return TumorMeasurements(pixels, area, box, *measure_lesions(self.mask, self.spacing, self.orientation))

    @property
    def consistent(self) -> bool | None:
        """Whether name and drawing go together: a tumor named and drawn, or neither; None without a mask."""
        if self.mask is None:
            return None
        return bool(np.any(self.mask)) != (self.label in HEALTHY)

    @property
    def flags(self) -> list[str]:
        """All that speaks against the answer, in words: `consistent` where it does not, then `abstention_reason`."""
        odd = ["name and drawing disagree"] if self.consistent is False else []
        return odd + [self.abstention_reason] * bool(self.abstention_reason)

    def with_spacing(self, row: float, column: float) -> Prediction:
        """The same answer, measured in these millimeters between pixels, unless the file gives its own."""
        return self if self.spacing else replace(self, spacing=(row, column), spacing_source="user")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the heat map and the mask, of which it gives the measures."""
        return {
            "source": self.source,
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "tumor": self.tumor.to_dict() if self.tumor else None,
            "consistent": self.consistent,
            "size": list(self.size),
            "spacing": list(self.spacing) if self.spacing else None,
            "spacing_source": self.spacing_source,
            "orientation": self.orientation,
            "model": self.model,
            "milliseconds": round(self.milliseconds, 2),
            "ood": self.ood,
            "ood_score": None if self.ood_score is None else round(self.ood_score, 4),
            "prediction_set": None if self.prediction_set is None else list(self.prediction_set),
            "abstains": self.abstains,
        }
