"""The metrics of subgroups of the measured images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tumorlens._arrays import Floats, Ints
from tumorlens.stats import Estimate

METRICS = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "false_positive_rate": "false positives",
    "segmented": "false-positive masks",
    "dice": "Dice",
}
"""Key -> heading. Sensitivity and Dice are of images with a tumor, of any class; false positives and false-positive
masks are shares of images without a tumor, which are classified as one or have a predicted mask."""


@dataclass(frozen=True)
class Subgroup:
    """Images that have one property in common.

    Attributes:
        by: the property: ``"data set"``, ``"plane"``, ``"sequence"`` or ``"skull-stripped"``.
        name: its value.
        images: number of images.
        units: number of patients, or of images where these are unknown.
        metrics: key of `METRICS` -> estimate, of those that can be measured.
    """

    by: str
    name: str
    images: int
    units: int
    metrics: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        metrics = {key: estimate.to_dict() for key, estimate in self.metrics.items()}
        return {"by": self.by, "name": self.name, "images": self.images, "units": self.units, "metrics": metrics}


@dataclass(frozen=True, eq=False)
class SubgroupsResult:
    """The metrics of each subgroup.

    Attributes:
        subgroups: by property, then by name.
        predicted: (N,) index of the predicted class.
        areas: (N,) pixels of the predicted mask; NaN where none is predicted at all.
        dice: (N,) Dice of images with a tumor; NaN for others.
    """

    subgroups: tuple[Subgroup, ...]
    predicted: Ints
    areas: Floats
    dice: Floats

    @property
    def caveats(self) -> tuple[str, ...]:
        """None: small subgroups show their number of patients."""
        return ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """For the data set with most false positives: their share."""
        rates = {
            group.name: group.metrics["false_positive_rate"]
            for group in self.subgroups
            if group.by == "data set" and "false_positive_rate" in group.metrics
        }
        if len(rates) < 2:
            return ()
        worst = max(rates, key=lambda name: rates[name].value)
        return (f"Most false positives are in {worst}: {rates[worst].percent()} of its images without a tumor.",)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"subgroups": [group.to_dict() for group in self.subgroups]}
