"""Validation scores + test answers -> how often the true class is among the candidates, and how often one is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.datasets import Sample
from tumorlens.metrics.calibration import softmax
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate
from tumorlens.stats.conformal import PredictionSets, prediction_sets_of

COVERAGES = (0.99, 0.95, 0.90, 0.80)
"""The nominal coverages that are measured: the share of each class's images whose prediction set holds the class."""


@dataclass(frozen=True)
class AtCoverage:
    """What one nominal coverage gives. Patients weigh the same, as in the guarantee: a slice of a new patient.

    Attributes:
        nominal_coverage: that was asked for, of each class.
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
            "empirical_coverage": {name: found.to_dict() for name, found in self.empirical_coverage.items()},
            "size": self.size.to_dict(),
            "answered": self.answered.to_dict(),
            "accuracy": self.accuracy.to_dict() if self.accuracy else None,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class SelectiveResult:
    """Selective prediction at several nominal coverages.

    Attributes:
        prediction_sets: what decides.
        rows: one for each coverage.
    """

    prediction_sets: PredictionSets
    rows: tuple[AtCoverage, ...]

    @property
    def units(self) -> dict[str, int]:
        """Class to validation patients, or images without one, that its threshold is from."""
        return {name: tail.units for name, tail in self.prediction_sets.quantiles.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"validation_units": self.units, "rows": [row.to_dict() for row in self.rows]}


def fit_prediction_sets(
    held_out: Sequence[Sample], logits: Floats, classes: Sequence[str], unit: str
) -> PredictionSets | None:
    """Thresholds from the validation part; None where it is empty.

    Args:
        held_out: the validation part.
        logits: (N, K) of it.
        classes: the K names.
        unit: what its patients are counted in, as in `ClusterBootstrap`.
    """
    if not held_out:
        return None
    labels, units = [s.label for s in held_out], [s.unit for s in held_out]
    return prediction_sets_of(softmax(logits), labels, units, classes, unit)


def measure_selective(
    prediction_sets: PredictionSets | None,
    logits: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> SelectiveResult | None:
    """Coverage, size of sets and what is answered, at several nominal coverages; None without prediction sets.

    Args:
        prediction_sets: learned from the validation subset.
        logits: (N, K) of what is measured.
        labels: (N,) index of the true class.
        bootstrap: the N images.
        classes: the K names.
    """
    if prediction_sets is None:
        return None
    drawn, probabilities = BootstrapDraws.draw(bootstrap), softmax(logits)
    return SelectiveResult(
        prediction_sets,
        tuple(
            at_coverage(
                coverage,
                prediction_sets.sets(probabilities, coverage),
                labels,
                drawn,
                classes,
                prediction_sets.unknown(coverage),
            )
            for coverage in COVERAGES
        ),
    )


def at_coverage(
    coverage: float, sets: Flags, labels: Ints, drawn: BootstrapDraws, classes: Sequence[str], unknown: str | None
) -> AtCoverage:
    """What one nominal coverage gives.

    Args:
        coverage: that was asked for.
        sets: (N, K), true where a class stays possible.
        labels: (N,) index of the true class.
        drawn: the bootstrap samples of the N images.
        classes: the K names.
        unknown: as in `AtCoverage`.
    """
    everything = np.ones(len(labels), dtype=bool)
    holds = sets[np.arange(len(labels)), labels]
    single = sets.sum(axis=1) == 1
    return AtCoverage(
        nominal_coverage=coverage,
        empirical_coverage={
            name: _share(drawn, holds, labels == i) for i, name in enumerate(classes) if (labels == i).any()
        },
        size=drawn.estimate(_mean(drawn, sets.sum(axis=1), everything)),
        answered=_share(drawn, single, everything),
        accuracy=_among(drawn, holds, single) if single.any() else None,
        unknown=unknown,
    )


def _share(drawn: BootstrapDraws, what: Flags, among: Flags) -> Estimate:
    return drawn.proportion(_mean(drawn, what, among), among)


def _among(drawn: BootstrapDraws, what: Flags, among: Flags) -> Estimate:
    """The share of some images, which weigh what they do among all: patients with few of them weigh less."""
    weights = 1 / np.bincount(drawn.index)[drawn.index]
    with np.errstate(invalid="ignore"):
        return drawn.proportion(drawn.sums(weights * (what & among)) / drawn.sums(weights * among), among)


def _mean(drawn: BootstrapDraws, values: npt.ArrayLike, among: Flags) -> Floats:
    """(1 + B,) the mean of values over some images, in which every patient that has any weighs the same."""
    counts = np.bincount(drawn.index[among], minlength=drawn.counts.shape[1])
    weights = among / np.maximum(1, counts[drawn.index])
    with np.errstate(invalid="ignore"):
        return np.asarray(drawn.sums(weights * np.asarray(values)) / drawn.sums(weights))
