"""The prediction of one slice, for Python, JSON and CSV."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.datasets.classes import HEALTHY
from tumorlens.report import RESEARCH_ONLY, notebook_html, overlay
from tumorlens.report.scan_marks import with_scan_marks
from tumorlens.report.text import number
from tumorlens.scan import Box, GrayImage, Mask
from tumorlens.scan.islands import without_islands
from tumorlens.scan.lesion_size import Lesion, bounding_box, measure_lesions

SCHEMA_VERSION = 1
"""Of a prediction in JSON. Raise it when a key changes its name or its meaning."""


@dataclass(frozen=True)
class TumorMeasurements:
    """Size and position of the predicted tumor of one image, without islands (`tumorlens.scan.islands`).

    What an overlay draws is what is measured here: components below 0.05 % of the image are neither. The mask of the
    prediction has every pixel.

    Attributes:
        pixels: pixels segmented as tumor.
        mm2: their area in square millimeters; None without a pixel spacing.
        box: their bounding box: top, left, height and width in pixels; None where there are none.
        lesions: number of connected components.
        largest: measurements of the largest component; None where there is none.
        islands: components that were left out.
    """

    pixels: int
    mm2: float | None
    box: Box | None
    lesions: int
    largest: Lesion | None
    islands: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "pixels": self.pixels,
            "mm2": None if self.mm2 is None else round(self.mm2, 2),
            "box": list(self.box) if self.box else None,
            "lesions": self.lesions,
            "largest": self.largest.to_dict() if self.largest else None,
            "islands": self.islands,
        }

    def __str__(self) -> str:
        islands = f" ({self.islands} island{'s' * (self.islands > 1)} left out)" if self.islands else ""
        if not self.largest:
            return f"no tumor segmented{islands}"
        area = f"{self.pixels:,} px" if self.mm2 is None else f"{self.mm2:,.0f} mm2"
        several = f" in {self.lesions} components" if self.lesions > 1 else ""
        of = " of the largest" if self.lesions > 1 else ""
        lines = (self.largest.diameter, self.largest.perpendicular)
        diameters = " x ".join(f"{line.pixels if line.mm is None else line.mm:.1f}" for line in lines)
        unit = "px" if self.mm2 is None else "mm"
        side = {None: "", "midline": ", on the midline"}.get(self.largest.side, f", on the {self.largest.side}")
        return f"{area} segmented as tumor{several}, diameters{of} {diameters} {unit}{side}{islands}"


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of a model for one slice.

    Attributes:
        source: the file, or the kind of source, for example ``"array"``.
        gray: (H, W) uint8, the image as the model saw it.
        label: the most probable class.
        probabilities: class -> calibrated probability, in the class order of the model; they sum to 1.
        heatmap: (H, W) float32 from 0 to 1, evidence for `label` by place; None where the model has no such output.
        mask: (H, W) uint8, 1 = tumor, every pixel of the model, islands included; None where it does not segment.
        size: height and width of the image, pixels.
        spacing: millimeters between pixels, (row, column); None where unknown.
        model: name of the model.
        milliseconds: from pixels to outputs.
        orientation: of the scan, as in `Scan`; None where unknown.
        spacing_source: ``"file"``, or ``"user"`` where the file has none and the user gave it; None without a spacing.
        ood: whether the image is out-of-distribution, so that the prediction must not be used; always true for an image
            with a single gray value. None where the model has no OOD score.
        ood_score: above 1 for an out-of-distribution image; None where the model has no such output.
        prediction_set: the conformal prediction set; None where no coverage was requested.
        probability_map: (H, W) float32, the probability of tumor of each pixel; `mask` holds those from 0.5 on. None
            where it was not requested, or the model does not segment.

    Example:
        >>> import tumorlens
        >>> from tumorlens.datasets.phantom import render_patient
        >>> image = render_patient("glioma", seed=0, slices=1, size=256)[0].image  # a synthetic slice
        >>> prediction = tumorlens.load("tiny").predict(image, coverage=0.9)
        >>> prediction.label, prediction.prediction_set, prediction.abstains, prediction.mask.shape
        ('glioma', ('glioma',), False, (256, 256))
    """

    source: str
    gray: GrayImage
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
    probability_map: npt.NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        return f"Prediction({self._summary()})"

    def _repr_html_(self) -> str:
        facts = [(name, number(p, percent=True)) for name, p in self.probabilities.items()]
        if self.tumor:
            facts.append(("tumor", str(self.tumor)))
        if self.ood_score is not None:
            facts.append(("OOD score", f"{self.ood_score:.2f} (flagged above 1)"))
        if self.prediction_set is not None:
            facts.append(("prediction set", ", ".join(self.prediction_set) or "empty"))
        shown = self.overlay(heatmap=False)
        return notebook_html(
            self._summary(), facts, image=shown, alt=self._summary(), warnings=self.flags, note=RESEARCH_ONLY
        )

    def _summary(self) -> str:
        """File name, class, probability, tumor and flags in one line."""
        parts = [f"{self.label} {number(self.probability, percent=True)}"]
        if self.tumor:
            parts.append(f"{self.tumor.pixels:,} px tumor" if self.tumor.pixels else "no tumor segmented")
        if self.ood:
            parts.append("out of distribution")
        return f"{Path(self.source).name}: {', '.join(parts)}"

    @property
    def probability(self) -> float:
        """Probability of `label`."""
        return self.probabilities[self.label]

    @property
    def abstains(self) -> bool:
        """Whether not to use the label: the image is out-of-distribution, or the prediction set has not one class."""
        return bool(self.ood) or (self.prediction_set is not None and len(self.prediction_set) != 1)

    @property
    def abstention_reason(self) -> str:
        """Why the model abstains; empty where it does not."""
        if self.ood:
            return "out of distribution: unlike the training images; do not use this prediction"
        if not self.abstains or self.prediction_set is None:
            return ""
        contained = " or ".join(self.prediction_set)
        return f"uncertain: {contained}" if contained else "uncertain: the prediction set is empty"

    @cached_property
    def tumor(self) -> TumorMeasurements | None:
        """Measurements of the mask without its islands, as it is drawn; None where the model does not segment."""
        if self.mask is None:
            return None
        shown, islands = self._shown
        pixels = int(np.count_nonzero(shown))
        area = pixels * self.spacing[-2] * self.spacing[-1] if self.spacing else None
        box = bounding_box(shown) if pixels else None
        lesions = measure_lesions(shown, self.spacing, self.orientation)
        return TumorMeasurements(pixels, area, box, *lesions, islands)

    @cached_property
    def _shown(self) -> tuple[Mask, int]:
        """The mask without its islands, for everything that is drawn, measured or said; and how many there were."""
        assert self.mask is not None
        return without_islands(self.mask)

    @property
    def consistent(self) -> bool | None:
        """Whether classification and segmentation agree: a tumor class and a mask, or neither; None without a mask.

        A mask of islands alone (`tumorlens.scan.islands`) counts as none.
        """
        if self.mask is None:
            return None
        return bool(self._shown[0].any()) != (self.label in HEALTHY)

    @property
    def flags(self) -> list[str]:
        """Warnings about this prediction: a disagreement (`consistent`), then the `abstention_reason`."""
        disagreement = ["classification and segmentation disagree"] if self.consistent is False else []
        return disagreement + [self.abstention_reason] * bool(self.abstention_reason)

    def overlay(self, *, heatmap: bool = True) -> Image.Image:
        """The image in RGB with the contour of the mask, the two diameters of the largest lesion, and the heat map.

        Islands of the mask (`tumorlens.scan.islands`) are not drawn. Scale, plane and sides are, where they are known
        and the image is not too small.

        Args:
            heatmap: whether to draw the heat map, if there is one.

        Returns:
            An image of `size`.
        """
        mask = None if self.mask is None else self._shown[0]
        largest = self.tumor.largest if self.tumor else None
        lines = [(line.start, line.end) for line in (largest.diameter, largest.perpendicular)] if largest else []
        image = overlay(self.gray, self.heatmap if heatmap else None, mask, lines=lines)
        return with_scan_marks(image, self.spacing, self.orientation)

    def with_spacing(self, row: float, column: float) -> Prediction:
        """The same prediction with this pixel spacing in millimeters, unless the file has its own."""
        return self if self.spacing else replace(self, spacing=(row, column), spacing_source="user")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: all but image, heat map and mask; of the mask it holds the measurements."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "slice",
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
