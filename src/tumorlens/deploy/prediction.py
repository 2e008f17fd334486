"""The answer for one picture, as Python, JSON and CSV see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a bundle says of one slice.

    Attributes:
        source: the file, or ``"array"``.
        label: the most probable class.
        probabilities: class to calibrated probability, in the bundle's class order; they sum to 1.
        heatmap: (H, W) float32 from 0 to 1, what speaks for `label` where; None where the network gives none.
        size: height and width of the picture, pixels.
        spacing: millimetres between pixels, (row, column); None where the file does not say.
        bundle: name of the bundle that answered.
        milliseconds: from pixels to probabilities.
    """

    source: str
    label: str
    probabilities: dict[str, float]
    heatmap: npt.NDArray[np.float32] | None
    size: tuple[int, int]
    spacing: tuple[float, ...] | None
    bundle: str
    milliseconds: float

    @property
    def probability(self) -> float:
        """Probability of `label`."""
        return self.probabilities[self.label]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the heat map."""
        return {
            "source": self.source,
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "size": list(self.size),
            "spacing": list(self.spacing) if self.spacing else None,
            "bundle": self.bundle,
            "milliseconds": round(self.milliseconds, 2),
        }
