"""The answer for one picture, as Python, JSON and CSV see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.scan import Box, Mask


@dataclass(frozen=True)
class Tumour:
    """What is drawn in one picture.

    Attributes:
        pixels: of it; 0 where nothing is drawn.
        mm2: the same in square millimetres; None where the file does not say how large its pixels are.
        box: around it: top, left, height and width in pixels; None where nothing is drawn.
    """

    pixels: int
    mm2: float | None
    box: Box | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "pixels": self.pixels,
            "mm2": None if self.mm2 is None else round(self.mm2, 2),
            "box": list(self.box) if self.box else None,
        }

    def __str__(self) -> str:
        if not self.pixels:
            return "no tumour drawn"
        area = f"{self.pixels:,} pixels" if self.mm2 is None else f"{self.mm2:,.0f} mm2"
        return f"tumour drawn, {area}"


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a bundle says of one slice.

    Attributes:
        source: the file, or ``"array"``.
        label: the most probable class.
        probabilities: class to calibrated probability, in the bundle's class order; they sum to 1.
        heatmap: (H, W) float32 from 0 to 1, what speaks for `label` where; None where the network gives none.
        mask: (H, W) uint8, 1 where the network draws a tumour; None where it draws none at all.
        size: height and width of the picture, pixels.
        spacing: millimetres between pixels, (row, column); None where the file does not say.
        bundle: name of the bundle that answered.
        milliseconds: from pixels to probabilities.
    """

    source: str
    label: str
    probabilities: dict[str, float]
    heatmap: npt.NDArray[np.float32] | None
    mask: Mask | None
    size: tuple[int, int]
    spacing: tuple[float, ...] | None
    bundle: str
    milliseconds: float

    @property
    def probability(self) -> float:
        """Probability of `label`."""
        return self.probabilities[self.label]

    @property
    def tumour(self) -> Tumour | None:
        """How large what is drawn is, and where; None where the network does not segment."""
        if self.mask is None:
            return None
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        pixels = int(np.count_nonzero(self.mask))
        box = None
        if pixels:
            top, left = int(rows[0]), int(columns[0])
            box = (top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left)
        area = pixels * self.spacing[-2] * self.spacing[-1] if self.spacing else None
        return Tumour(pixels, area, box)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the heat map and the mask, of which it gives area and place."""
        return {
            "source": self.source,
            "label": self.label,
            "probabilities": {name: round(p, 6) for name, p in self.probabilities.items()},
            "tumour": self.tumour.to_dict() if self.tumour else None,
            "size": list(self.size),
            "spacing": list(self.spacing) if self.spacing else None,
            "bundle": self.bundle,
            "milliseconds": round(self.milliseconds, 2),
        }
