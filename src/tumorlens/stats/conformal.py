"""Scores of held-out patients -> thresholds that hold for new patients, and sets of classes that hold the true one.

Split conformal prediction (Vovk et al. 2005), by class (Vovk 2012; Sadinle, Lei and Wasserman 2019). Slices of one
patient resemble each other, so what is exchangeable is the patient, and scores are pooled as Dunn, Wasserman and Ramdas
(J. Am. Stat. Assoc. 2023) and Lee, Barber and Willett (arXiv 2306.06342) do it: with n patients each has a weight of
1 / (n + 1), shared by its slices, and the rest lies at infinity, where the next patient could be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats
from tumorlens.errors import DataError

STEPS = 100  # scores kept of a class: 2 kB of a card
_TINY = 1e-9  # of a share, so that one patient of twenty is not more than 0.05


@dataclass(frozen=True)
class NonconformityQuantiles:
    """How high scores reach among held-out patients: the upper half of their pooled distribution.

    Attributes:
        units: patients, or images without one, that the scores come from.
        scores: ascending.
        errors: the share of the distribution above each score, descending; the last is the unseen patient's.
    """

    units: int
    scores: tuple[float, ...]
    errors: tuple[float, ...]

    def threshold(self, error: float) -> float:
        """The score that a new patient's image exceeds with a probability of at most `error`; infinity if unknown."""
        return next((score for score, above in zip(self.scores, self.errors, strict=True) if above <= error), math.inf)


def quantiles_of(scores: Sequence[float] | Floats, units: Sequence[str], steps: int = STEPS) -> NonconformityQuantiles:
    """Pool the scores of held-out images, each patient with the same weight.

    Scores and shares are rounded up, and only some steps are kept, so that a threshold is never too low.

    Args:
        scores: (N,) from 0 to 1, higher for images that fit less.
        units: (N,) the patient of each.
        steps: how many scores are kept.
    """
    levels, above = pooled(scores, units, unseen=1)
    chosen = np.flatnonzero(above <= 0.5 + _TINY)
    if len(chosen) > steps:
        chosen = np.unique(np.append(chosen[:: math.ceil(len(chosen) / (steps - 1))], chosen[-1]))
    kept = [(math.ceil(levels[i] * 1e6) / 1e6, math.ceil((above[i] - _TINY) * 1e6) / 1e6) for i in chosen]
    return NonconformityQuantiles(len(set(units)), tuple(score for score, _ in kept), tuple(share for _, share in kept))


def pooled(scores: Sequence[float] | Floats, units: Sequence[str], *, unseen: int = 0) -> tuple[Floats, Floats]:
    """The pooled distribution: different scores, ascending, and the share that lies above each.

    Args:
        scores: (N,).
        units: (N,) the patient of each; patients weigh the same, whatever their number of images.
        unseen: patients that are taken to lie at infinity.
    """
    values = np.asarray(scores, dtype=np.float64)
    names, index, counts = np.unique(np.asarray(units, dtype=str), return_inverse=True, return_counts=True)
    weights = 1 / counts[index] / max(1, len(names) + unseen)
    levels, place = np.unique(values, return_inverse=True)
    above: Floats = 1 - np.cumsum(np.bincount(place, weights, minlength=len(levels))).astype(np.float64)
    return levels, above


@dataclass(frozen=True)
class PredictionSets:
    """Nonconformity quantiles of each class -> conformal prediction sets, for any coverage that is asked for.

    The score of a class is 1 minus its probability, at temperature 1: a fitted temperature depends on the same
    images, and does not keep the order of images within a class.

    Attributes:
        quantiles: class to the scores of validation images of that class, in the order of the classes.
        unit: what patients are counted in: ``"patient"``, ``"image"`` or ``"patient or image"``.
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
        limits = np.array([tail.threshold(error) for tail in self.quantiles.values()])
        inside: Flags = 1 - np.asarray(probabilities, dtype=np.float64) <= limits
        return inside

    def unknown(self, coverage: float) -> str | None:
        """One sentence on the classes that are in the prediction set of every image, for want of patients; else None."""
        error = error_rate(coverage)
        short = {name: tail.units for name, tail in self.quantiles.items() if math.isinf(tail.threshold(error))}
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
    """Learn from held-out images.

    Args:
        probabilities: (N, K) at temperature 1, of images the network was not trained on.
        labels: (N,) the true class of each.
        units: (N,) the patient of each.
        classes: the K names.
        unit: what a unit is, as in `PredictionSets`.
    """
    given = np.asarray(probabilities, dtype=np.float64).reshape(-1, len(classes))
    quantiles = {}
    for position, name in enumerate(classes):
        mine = [i for i, label in enumerate(labels) if label == name]
        quantiles[name] = quantiles_of(1 - given[mine, position], [units[i] for i in mine])
    return PredictionSets(quantiles, unit)


def units_needed(coverage: float) -> int:
    """Patients of a class that the validation subset needs before a threshold for this coverage is finite."""
    return math.ceil(1 / error_rate(coverage) - _TINY) - 1


def error_rate(coverage: float) -> float:
    """1 - coverage, without the noise of binary fractions: 0.05 and not 0.050000000000000044 for 0.95."""
    return round(1 - coverage, 12)


def at_temperature_one(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """(N, K) probabilities that a temperature was applied to -> those without it."""
    with np.errstate(divide="ignore"):
        logits = temperature * np.log(np.asarray(probabilities, dtype=np.float64))
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def check_coverage(coverage: float) -> None:
    """Refuse a coverage that is no share.

    Raises:
        DataError: it is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise DataError(f"coverage {coverage:g} found; expected more than 0 and less than 1, as 0.95")
