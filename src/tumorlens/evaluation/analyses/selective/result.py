"""Selective prediction at several nominal coverages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.stats import Estimate
from tumorlens.stats.conformal import PredictionSets, units_needed


@dataclass(frozen=True)
class AtCoverage:
    """What one nominal coverage gives. Patients weigh the same, as in the guarantee: a slice of a new patient.

    Attributes:
        nominal_coverage: the coverage that was asked for, of each class.
        empirical_coverage: class to the share of its images whose prediction set holds it.
        size: mean number of classes in a prediction set.
        answered: the share of images whose prediction set has exactly one class.
        accuracy: of those; None where there are none.
        unknown: one sentence on classes with too few validation patients for this coverage; None if there are none.
    """

    nominal_coverage: float
    empirical_coverage: dict[str, Estimate]
    size: Estimate
    answered: Estimate
    accuracy: Estimate | None
    unknown: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "nominal_coverage": self.nominal_coverage,
            "empirical_coverage": {name: share.to_dict() for name, share in self.empirical_coverage.items()},
            "size": self.size.to_dict(),
            "answered": self.answered.to_dict(),
            "accuracy": self.accuracy.to_dict() if self.accuracy else None,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class SelectiveResult:
    """Selective prediction at several nominal coverages.

    Attributes:
        prediction_sets: the quantiles that decide.
        rows: one for each nominal coverage.
    """

    prediction_sets: PredictionSets
    rows: tuple[AtCoverage, ...]

    @property
    def units(self) -> dict[str, int]:
        """Class to the validation patients, or images without one, that its threshold is from."""
        return {name: quantiles.units for name, quantiles in self.prediction_sets.quantiles.items()}

    @property
    def caveats(self) -> tuple[str, ...]:
        """None: abstention is on request."""
        return ()

    @property
    def conclusions(self) -> tuple[str, ...]:
        """For which coverages the validation subset has too few patients; empty where it has enough for all."""
        short = [row.nominal_coverage for row in self.rows if row.unknown]
        if not short:
            return ()
        needs = ", ".join(f"{coverage:g} needs {units_needed(coverage):,}" for coverage in short)
        have = ", ".join(f"{name} has {units:,}" for name, units in self.units.items())
        return (
            f"Patients or images held out from training: {have}; coverage {needs}: a class with fewer is in the "
            "prediction set of every image.",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"validation_units": self.units, "rows": [row.to_dict() for row in self.rows]}
