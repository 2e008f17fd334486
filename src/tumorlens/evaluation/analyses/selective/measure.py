"""Validation scores + test answers -> how often the true class is among the candidates, and how often one is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.datasets import Sample
from tumorlens.metrics.calibration import softmax
from tumorlens.stats import Cohort, Estimate, Flags, Floats, Ints, Resamples
from tumorlens.stats.conformal import Candidates, candidates_of

ERRORS = (0.01, 0.05, 0.10, 0.20)


@dataclass(frozen=True)
class AtError:
    """What comes of one allowed error. Patients weigh the same, as in the promise: a slice of a new patient.

    Attributes:
        error: that was allowed for each class.
        coverage: class to the share of its images whose candidates hold it; 1 - error was promised.
        size: mean number of candidates.
        answered: the share of images with exactly one candidate.
        accuracy: of those; None where there are none.
        unknown: one sentence on classes with too few validation patients for this error; None if there are none.
    """

    error: float
    coverage: dict[str, Estimate]
    size: Estimate
    answered: Estimate
    accuracy: Estimate | None
    unknown: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "error": self.error,
            "coverage": {name: found.to_dict() for name, found in self.coverage.items()},
            "size": self.size.to_dict(),
            "answered": self.answered.to_dict(),
            "accuracy": self.accuracy.to_dict() if self.accuracy else None,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class Abstention:
    """What comes of several allowed errors.

    Attributes:
        candidates: what decides.
        rows: one for each error.
    """

    candidates: Candidates
    rows: tuple[AtError, ...]

    @property
    def units(self) -> dict[str, int]:
        """Class to validation patients, or images without one, that its threshold is from."""
        return {name: tail.units for name, tail in self.candidates.tails.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"validation_units": self.units, "rows": [row.to_dict() for row in self.rows]}


def learn_candidates(
    held_out: Sequence[Sample], logits: Floats, classes: Sequence[str], unit: str
) -> Candidates | None:
    """Thresholds from the validation part; None where it is empty.

    Args:
        held_out: the validation part.
        logits: (N, K) of it.
        classes: the K names.
        unit: what its patients are counted in, as in `Cohort`.
    """
    if not held_out:
        return None
    labels, units = [s.label for s in held_out], [s.unit for s in held_out]
    return candidates_of(softmax(logits), labels, units, classes, unit)


def measure_abstention(
    candidates: Candidates | None, logits: Floats, labels: Ints, cohort: Cohort, classes: Sequence[str]
) -> Abstention | None:
    """Coverage, size of sets and what is answered, for several allowed errors; None without candidates.

    Args:
        candidates: learned from the validation part.
        logits: (N, K) of what is measured.
        labels: (N,) index of the true class.
        cohort: the N images.
        classes: the K names.
    """
    if candidates is None:
        return None
    drawn, probabilities = Resamples.draw(cohort), softmax(logits)
    return Abstention(
        candidates,
        tuple(
            at_error(error, candidates.sets(probabilities, error), labels, drawn, classes, candidates.unknown(error))
            for error in ERRORS
        ),
    )


def at_error(
    error: float, sets: Flags, labels: Ints, drawn: Resamples, classes: Sequence[str], unknown: str | None
) -> AtError:
    """What comes of one allowed error.

    Args:
        error: that was allowed.
        sets: (N, K), true where a class stays possible.
        labels: (N,) index of the true class.
        drawn: of the N images' cohort.
        classes: the K names.
        unknown: as in `AtError`.
    """
    everything = np.ones(len(labels), dtype=bool)
    holds = sets[np.arange(len(labels)), labels]
    single = sets.sum(axis=1) == 1
    return AtError(
        error=error,
        coverage={name: _share(drawn, holds, labels == i) for i, name in enumerate(classes) if (labels == i).any()},
        size=drawn.estimate(_mean(drawn, sets.sum(axis=1), everything)),
        answered=_share(drawn, single, everything),
        accuracy=_among(drawn, holds, single) if single.any() else None,
        unknown=unknown,
    )


def _share(drawn: Resamples, what: Flags, among: Flags) -> Estimate:
    return drawn.proportion(_mean(drawn, what, among), among)


def _among(drawn: Resamples, what: Flags, among: Flags) -> Estimate:
    """The share of some images, which weigh what they do among all: patients with few of them weigh less."""
    weights = 1 / np.bincount(drawn.index)[drawn.index]
    with np.errstate(invalid="ignore"):
        return drawn.proportion(drawn.sums(weights * (what & among)) / drawn.sums(weights * among), among)


def _mean(drawn: Resamples, values: npt.ArrayLike, among: Flags) -> Floats:
    """(1 + B,) the mean of values over some images, in which every patient that has any weighs the same."""
    counts = np.bincount(drawn.index[among], minlength=drawn.counts.shape[1])
    weights = among / np.maximum(1, counts[drawn.index])
    with np.errstate(invalid="ignore"):
        return np.asarray(drawn.sums(weights * np.asarray(values)) / drawn.sums(weights))
