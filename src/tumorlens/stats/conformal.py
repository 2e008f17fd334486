"""Scores of held-out patients -> thresholds for new patients, and conformal prediction sets.

Split conformal prediction (Vovk et al. 2005), by class (Vovk 2012; Sadinle, Lei and Wasserman 2019). Slices of one
patient are correlated, so patients are exchangeable and slices are not. Scores are pooled as in Dunn, Wasserman and
Ramdas (J. Am. Stat. Assoc. 2023) and Lee, Barber and Willett (arXiv 2306.06342): each of n patients has the weight
1 / (n + 1), shared by its slices, and the remaining weight lies at infinity, for the next patient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.errors import DataError

MAX_SCORES = 100  # scores stored per class: 2 kB of a model card
_TINY = 1e-9  # tolerance of a share, so that one patient of twenty is not more than 0.05


@dataclass(frozen=True)
class NonconformityQuantiles:
    """The upper half of the pooled distribution of nonconformity scores of held-out patients.

    Attributes:
        units: number of sampling units of the scores: patients, or images without one.
        scores: ascending.
        errors: the share of the distribution above each score, descending; the last is that of the unseen patient.
    """

    units: int
    scores: tuple[float, ...]
    errors: tuple[float, ...]

    def threshold(self, error: float) -> float:
        """The score that an image of a new patient exceeds with probability at most `error`; infinity if unknown."""
        return next((score for score, above in zip(self.scores, self.errors, strict=True) if above <= error), math.inf)


def quantiles_of(
    scores: Sequence[float] | Floats, units: Sequence[str], steps: int = MAX_SCORES
) -> NonconformityQuantiles:
    """Pool the scores of held-out images, each patient with the same weight.

    Scores and shares are rounded up, and only some steps are stored, so that a threshold is never too low.

    Args:
        scores: (N,) nonconformity from 0 to 1.
        units: (N,) the sampling unit of each.
        steps: number of scores stored.
    """
    levels, above = pooled(scores, units, unseen=1)
    chosen = np.flatnonzero(above <= 0.5 + _TINY)
    if len(chosen) > steps:
        chosen = np.unique(np.append(chosen[:: math.ceil(len(chosen) / (steps - 1))], chosen[-1]))
    kept = [(math.ceil(levels[i] * 1e6) / 1e6, math.ceil((above[i] - _TINY) * 1e6) / 1e6) for i in chosen]
    return NonconformityQuantiles(len(set(units)), tuple(score for score, _ in kept), tuple(share for _, share in kept))


def pooled(scores: Sequence[float] | Floats, units: Sequence[str], *, unseen: int = 0) -> tuple[Floats, Floats]:
    """The pooled distribution: distinct scores, ascending, and the share above each.

    Args:
        scores: (N,).
        units: (N,) the sampling unit of each; all units have the same weight.
        unseen: number of units at infinity.
    """
    values = np.asarray(scores, dtype=np.float64)
    names, index, counts = np.unique(np.asarray(units, dtype=str), return_inverse=True, return_counts=True)
    weights = 1 / counts[index] / max(1, len(names) + unseen)
    levels, position = np.unique(values, return_inverse=True)
    above: Floats = 1 - np.cumsum(np.bincount(position, weights, minlength=len(levels))).astype(np.float64)
    return levels, above


@dataclass(frozen=True)
class PredictionSets:
    """Nonconformity quantiles of each class -> conformal prediction sets, for any coverage.

    The nonconformity of a class is 1 minus its probability at temperature 1. A fitted temperature depends on the same
    images, and does not preserve the order of images within a class.

    Attributes:
        quantiles: of the validation images of each class, in the order of the classes.
        unit: the kind of sampling unit: ``"patient"``, ``"image"`` or ``"patient or image"``.
    """

    quantiles: Mapping[str, NonconformityQuantiles]
    unit: str

    def sets(self, probabilities: npt.ArrayLike, coverage: float) -> Flags:
        """(N, K) probabilities at temperature 1 -> (N, K), true where a class is in the prediction set.

        Raises:
            DataError: the coverage is not between 0 and 1.
        """
        check_coverage(coverage)
        error = error_rate(coverage)
        thresholds = np.array([quantiles.threshold(error) for quantiles in self.quantiles.values()])
        members: Flags = 1 - np.asarray(probabilities, dtype=np.float64) <= thresholds
        return members

    def unknown(self, coverage: float) -> str | None:
        """A sentence on the classes with too few patients, which are in every prediction set; None without any."""
        error = error_rate(coverage)
        short = {name: one.units for name, one in self.quantiles.items() if math.isinf(one.threshold(error))}
        if not short:
            return None
        plural = {"patient": "patients", "image": "images"}.get(self.unit, "patients or images")
        have = ", ".join(f"{name} has {units}" for name, units in short.items())
        stay = "it is" if len(short) == 1 else "they are"
        needed = f"coverage {coverage:g} needs {units_needed(coverage):,} {plural} of a class held out from training"
        return f"{needed}, {have}: {stay} in the prediction set of every image"


def prediction_sets_of(
    probabilities: npt.ArrayLike, labels: Sequence[str], units: Sequence[str], classes: Sequence[str], unit: str
) -> PredictionSets:
    """Compute the nonconformity quantiles from held-out images.

    Args:
        probabilities: (N, K) at temperature 1, of images the network was not trained on.
        labels: (N,) the true class of each.
        units: (N,) the sampling unit of each.
        classes: the K names.
        unit: the kind of sampling unit, as in `PredictionSets`.
    """
    given = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(classes))
    quantiles = {}
    for position, name in enumerate(classes):
        of_class = [i for i, label in enumerate(labels) if label == name]
        quantiles[name] = quantiles_of(1 - given[of_class, position], [units[i] for i in of_class])
    return PredictionSets(quantiles, unit)


def units_needed(coverage: float) -> int:
    """Number of units per class in the validation subset that a finite threshold for this coverage needs."""
    return math.ceil(1 / error_rate(coverage) - _TINY) - 1


def error_rate(coverage: float) -> float:
    """1 - coverage without rounding error: 0.05 and not 0.050000000000000044 for 0.95."""
    return round(1 - coverage, 12)


def at_temperature_one(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """(N, K) probabilities at some temperature -> probabilities at temperature 1."""
    with np.errstate(divide="ignore"):
        logits = temperature * np.log(np.asarray(probabilities, dtype=np.float64))
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def check_coverage(coverage: float) -> None:
    """Check that a coverage is a share.

    Raises:
        DataError: it is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise DataError(found=f"coverage {coverage:g} found", expected="more than 0 and less than 1, as 0.95")
