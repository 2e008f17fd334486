"""Metrics of whole volumes, with the numbers of each volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tumorlens.metrics.names import METRICS
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.metrics.volume_case import VolumeCase
from tumorlens.metrics.volume_metrics import VolumeMetrics
from tumorlens.report.text import with_interval
from tumorlens.stats import Estimate

FEW = 50
"""Patients with, or without, a tumor below which a caveat counts them."""


@dataclass(frozen=True)
class VolumeRow:
    """One volume.

    Attributes:
        volume: its id.
        patient: its sampling unit: the patient, or the volume itself where none is known.
        case: predicted mask against reference mask.
        label: its class.
        predicted: class of its largest finding; None where the tool names none.
    """

    volume: str
    patient: str
    case: VolumeCase
    label: str
    predicted: str | None

    def to_dict(self, in_mm: bool) -> dict[str, Any]:
        """Plain data for JSON.

        Args:
            in_mm: distances in millimeters, else in voxels.
        """
        case = self.case
        surfaces = case.surfaces_mm if in_mm else case.surfaces
        lesions, slices = case.lesions, case.slices
        return {
            "volume": self.volume,
            "patient": self.patient,
            "label": self.label,
            "predicted": self.predicted,
            "tumor": case.tumor,
            "positive": case.positive,
            "predicted_voxels": case.predicted,
            "reference_voxels": case.reference,
            "predicted_ml": _rounded(case.predicted_ml),
            "reference_ml": _rounded(case.reference_ml),
            "largest_voxels": case.largest,
            "dice": _rounded(case.dice),
            "hd95": _rounded(surfaces.hd95) if surfaces else None,
            "surface_dice": _rounded(surfaces.surface_dice) if surfaces else None,
            "lesions": vars(lesions) if lesions else None,
            "slices": vars(slices) if slices else None,
        }


@dataclass(frozen=True, eq=False)
class VolumesResult:
    """Metrics of whole volumes.

    Attributes:
        metrics: with intervals by patient.
        rows: one for each volume.
        unit: the kind of sampling unit.
        rule: how the predicted masks are made.
        positive_rule: what makes a study positive.
        left_out: why slices make no volume that can be measured in 3D -> number of volumes.
        notes: on the predictions, one sentence each.
    """

    metrics: VolumeMetrics
    rows: tuple[VolumeRow, ...]
    unit: str
    rule: str
    positive_rule: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def patients(self, tumor: bool) -> int:
        """Sampling units of the volumes with, or without, a tumor."""
        return len({row.patient for row in self.rows if row.case.tumor is tumor})

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the volumes cannot show, one sentence each."""
        metrics, found = self.metrics, list(self.notes)
        for tumor, count, words in (
            (True, metrics.with_tumor, "with a tumor"),
            (False, metrics.without_tumor, "without a tumor"),
        ):
            units = self.patients(tumor)
            if not count:
                missing = "sensitivity, Dice and volume errors" if tumor else "specificity and AUROC"
                found.append(f"No volume is {words}, so study-level {missing} are not measured.")
            elif units < FEW:
                whose = "" if self.unit == "image" else f" of {units:,} patient{'s' * (units != 1)}"
                found.append(
                    f"Only {count:,} volume{'s' * (count != 1)}{whose} {words}, fewer than {FEW}: bootstrap intervals "
                    "of so few are too narrow, and one more patient may change every metric of these volumes."
                )
        if metrics.size_unit == "voxels":
            found.append(
                "The header of at least one volume states no spacing that can be true, so distances and tumor volumes "
                "are in voxels; where voxels are not cubes, a distance in voxels is no length."
            )
        if metrics.undetermined:
            found.append(f"{metrics.undetermined:,} volumes are undetermined, and in no study-level metric.")
        for reason, count in self.left_out.items():
            found.append(f"{count:,} volume{'s are' if count > 1 else ' is'} not measured in 3D: {reason}.")
        return tuple(found)

    @property
    def conclusions(self) -> tuple[str, ...]:
        """The study-level answer, and how tumor volumes agree."""
        known, metrics = self.metrics.estimates, self.metrics
        rates = [
            f"{METRICS[name].title} {with_interval(known[name], percent=True)} of {count:,} volume{'s' * (count != 1)}"
            for name, count in (
                ("study_sensitivity", metrics.with_tumor),
                ("study_specificity", metrics.without_tumor),
            )
            if name in known
        ]
        found = [f"{_capital(', '.join(rates))}: {self.positive_rule}."] if rates else []
        if agreement := metrics.agreement:
            unit, bias = metrics.size_unit, agreement.bias
            text = f"Predicted tumor volumes differ from the reference by {_signed(bias.value)} {unit} on average"
            if not math.isnan(agreement.lower.value):
                low, high = (_signed(one.value) for one in (agreement.lower, agreement.upper))
                text += f"; 95 % of differences are expected between {low} and {high} {unit}"
            found.append(f"{text}.")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        metrics = self.metrics
        counts = ("with_tumor", "without_tumor", "unknown", "undetermined")
        return {
            "volumes": len(self.rows),
            **{name: getattr(metrics, name) for name in counts},
            "left_out": dict(self.left_out),
            "unit": self.unit,
            "rule": self.rule,
            "positive_rule": self.positive_rule,
            "distance_unit": metrics.distance_unit,
            "size_unit": metrics.size_unit,
            "tolerance": TOLERANCE,
            "metrics": {name: one.to_dict() for name, one in metrics.estimates.items()},
            "cases": [row.to_dict(metrics.distance_unit == "mm") for row in self.rows],
        }


def volume_evidence(name: str, estimate: Estimate) -> str:
    """The sample size of a metric of volumes in words."""
    what = "slice" if name.startswith("slice_") else "volume"
    count = f"{estimate.n:,} {what}{'s' * (estimate.n != 1)}"
    if estimate.unit == "image":
        return f"{count}, patients unknown"
    whose = "patient" if estimate.unit == "patient" else "patient or volume"
    return f"{count}, {estimate.units:,} {whose}{'s' * (estimate.units != 1)}"


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)


def _signed(value: float) -> str:
    return f"{value:+.1f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
