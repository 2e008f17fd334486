"""What a model file of tumorlens holds of the run it was exported from: the OOD fit, and the quantiles of its sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.stats.conformal import PredictionSets, at_temperature_one


@dataclass(frozen=True)
class OODFitSummary:
    """How an OOD score was fitted; the fields are those of the card.

    Attributes:
        method: in words.
        images: training images it was fitted on.
        units: the patients, or images without one, they come from.
        validation_images: images the threshold is from.
        validation_units: the patients they come from.
        kept: share of the validation images below the threshold, patients weighing the same.
    """

    method: str
    images: int
    units: int
    validation_images: int
    validation_units: int
    kept: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the keys of the card."""
        return {
            "method": self.method,
            "fitted_on_images": self.images,
            "fitted_on_units": self.units,
            "validation_images": self.validation_images,
            "validation_units": self.validation_units,
            "validation_kept": self.kept,
        }


@dataclass(frozen=True, eq=False)
class StoredThresholds:
    """The thresholds of a model file, with its OOD scores of the measured images.

    Attributes:
        temperature: of its softmax.
        ood: how its OOD score was fitted; None where it has none.
        ood_scores: (N,) of the measured images; above 1 an image is flagged. None likewise.
        prediction_sets: the quantiles of each class; None where the file has none.
    """

    temperature: float
    ood: OODFitSummary | None
    ood_scores: Floats | None
    prediction_sets: PredictionSets | None

    def logits(self, probabilities: Floats) -> Floats:
        """(N, K) calibrated probabilities -> logits at temperature 1, which the quantiles are of."""
        logits: Floats = np.log(np.maximum(at_temperature_one(probabilities, self.temperature), _LEAST))
        return logits


_LEAST = 1e-12  # a probability of 0 has no logarithm
