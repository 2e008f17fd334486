"""Probabilities + labels -> classification metrics, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.errors import DataError
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate


@dataclass(frozen=True, eq=False)
class Metrics:
    """The classification metrics of one evaluation.

    With tp, fp, fn and tn counted for one class against the rest, and the class of highest
    probability taken as the prediction:

    - ``accuracy``: share of images that are correctly classified.
    - ``sensitivity`` (recall): tp / (tp + fn). ``specificity``: tn / (tn + fp).
    - ``precision``: tp / (tp + fp). ``f1``: 2 tp / (2 tp + fp + fn).
    - ``auroc``: chance that an image of the class scores higher than one of another; ties count half.
    - ``balanced_accuracy``, ``macro_f1``, ``macro_auroc``: mean of sensitivity, f1 and auroc over the
      classes present in the reference. ``weighted_f1``: mean of f1 weighted by their images.
    - ``brier``: mean over images of the sum over classes of (probability - reference)^2, 0 to 2
      (Brier 1950). For two classes that is twice the one-sided score some libraries give.
    - ``ece``: expected calibration error, the mean over images of |accuracy - confidence| of the
      equal-width confidence bin they fall into, confidence being the highest probability (Guo 2017).
      Chance alone lifts it above zero, and in a resample once more: the lower end of its interval is
      therefore the upper one reflected at the value, cut off at zero.

    A metric of a class that is absent from the reference (precision: from the predictions) is undefined:
    NaN, without interval.

    Attributes:
        overall: estimates by the names above.
        per_class: class name to estimates by the names above; for two classes the positive one's
            sensitivity and specificity are those of the test.
        confusion_matrix: (K, K) images; rows are the reference, columns the prediction.
        support: class name to images of that class.
        classes: the K class names in order.
    """

    overall: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]]
    confusion_matrix: Ints
    support: dict[str, int]
    classes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain dictionaries, lists and numbers, ready for JSON."""
        return {
            "classes": list(self.classes),
            "overall": {name: estimate.to_dict() for name, estimate in self.overall.items()},
            "per_class": {
                label: {name: estimate.to_dict() for name, estimate in estimates.items()}
                for label, estimates in self.per_class.items()
            },
            "confusion_matrix": self.confusion_matrix.tolist(),
            "support": self.support,
        }


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: the images whose confidence is in (low, high].

    Attributes:
        low: lower edge, exclusive.
        high: upper edge, inclusive.
        confidence: mean confidence of its images.
        accuracy: share of its images that are correctly classified.
        count: its images.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int

    def to_dict(self) -> dict[str, float | int]:
        """The fields by name."""
        return asdict(self)


def measure(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
    *,
    bins: int = 15,
) -> Metrics:
    """Every metric of `Metrics`, with 95 % intervals from one set of resamples by unit.

    Args:
        probabilities: (N, K), rows sum to one.
        labels: (N,) index of the true class.
        bootstrap: the N images.
        classes: the K class names.
        bins: of the calibration error.

    Raises:
        DataError: shapes, labels or probabilities do not fit together.
    """
    p, y = _checked(probabilities, labels, classes)
    if len(bootstrap) != len(y):
        raise DataError(found=f"{len(bootstrap)} sampling units for {len(y)} images", expected="one for each image")
    names, k = tuple(classes), len(classes)
    predicted = p.argmax(axis=1)
    reference, guess = _one_hot(y, k), _one_hot(predicted, k)
    draws = BootstrapDraws.draw(bootstrap)

    confusion_matrix = draws.sums(reference[:, :, None] & guess[:, None, :])
    rates = _rates(confusion_matrix)
    rates["auroc"] = np.stack([_auroc(p[:, c], y == c, draws) for c in range(k)], axis=1)
    present = reference.any(axis=0)
    images = confusion_matrix.sum(axis=(1, 2))
    support = confusion_matrix.sum(axis=2)

    def macro(name: str) -> Estimate:
        # a resample that lacks one of these classes is NaN here and left out: it would be the mean of others
        return draws.estimate(rates[name][:, present].mean(axis=1))

    overall = {
        "accuracy": draws.proportion(np.trace(confusion_matrix, axis1=1, axis2=2) / images, np.full(len(y), True)),
        "balanced_accuracy": macro("sensitivity"),
        "macro_f1": macro("f1"),
        "weighted_f1": draws.estimate(np.nansum(rates["f1"] * support, axis=1) / images),
        "macro_auroc": macro("auroc"),
        "brier": draws.estimate(draws.sums(np.square(p - reference).sum(axis=1)) / images),
        "ece": _reflected(draws.estimate(np.abs(draws.sums(_gaps(p, y, bins))).sum(axis=1) / images)),
    }
    per_class = {
        name: {
            "sensitivity": draws.proportion(rates["sensitivity"][:, c], reference[:, c]),
            "specificity": draws.proportion(rates["specificity"][:, c], ~reference[:, c]),
            "precision": draws.proportion(rates["precision"][:, c], guess[:, c]),
            "f1": draws.estimate(rates["f1"][:, c]),
            "auroc": draws.estimate(rates["auroc"][:, c]),
        }
        for c, name in enumerate(names)
    }
    counted = {name: int(n) for name, n in zip(names, support[0], strict=True)}
    return Metrics(overall, per_class, confusion_matrix[0].astype(np.int64), counted, names)


def _reflected(estimate: Estimate) -> Estimate:
    """The interval of an estimate that resampling can only lift, with its lower end mended."""
    if estimate.low is None or estimate.high is None:
        return estimate
    high = max(estimate.value, estimate.high)
    return replace(estimate, low=max(0.0, min(estimate.low, 2 * estimate.value - high)), high=high)


def reliability_bins(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = 15) -> tuple[Bin, ...]:
    """The bars of a reliability diagram, lowest confidence first; empty bins are left out.

    Args:
        probabilities: (N, K), rows sum to one.
        labels: (N,) index of the true class.
        bins: equal-width bins between 0 and 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == np.asarray(labels)
    which = _bin_of(confidence, bins)
    return tuple(
        Bin(
            low=b / bins,
            high=(b + 1) / bins,
            confidence=float(confidence[which == b].mean()),
            accuracy=float(right[which == b].mean()),
            count=int((which == b).sum()),
        )
        for b in np.unique(which).tolist()
    )


def _checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike, classes: Sequence[str]) -> tuple[Floats, Ints]:
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if p.shape != (len(y), len(classes)):
        raise DataError(
            found=f"probabilities of shape {p.shape} for {len(y)} labels and {len(classes)} classes",
            expected=f"({len(y)}, {len(classes)})",
        )
    if len(y) and not 0 <= y.min() <= y.max() < len(classes):
        raise DataError(found=f"labels from {y.min()} to {y.max()}", expected=f"0 to {len(classes) - 1}")
    wrong = np.flatnonzero(~((np.abs(p.sum(axis=1) - 1) < 1e-3) & (p > -1e-6).all(axis=1)))
    if len(wrong):
        raise DataError(
            found=f"{len(wrong)} of {len(y)} images have probabilities that are negative or do not sum to 1, "
            f"the first is image {wrong[0]}: {p[wrong[0]].tolist()}",
            expected="numbers from 0 to 1 that sum to 1",
            advice="apply softmax to logits first; NaN means that training diverged",
        )
    return p, y


def _rates(confusion_matrix: Floats) -> dict[str, Floats]:
    """(..., K, K) counts, rows are the reference, to (..., K) rates; NaN where a rate has nothing to count."""
    tp = np.diagonal(confusion_matrix, axis1=-2, axis2=-1)
    true, guessed = confusion_matrix.sum(axis=-1), confusion_matrix.sum(axis=-2)
    others = true.sum(axis=-1, keepdims=True) - true
    return {
        "sensitivity": _ratio(tp, true),
        "specificity": _ratio(others - (guessed - tp), others),
        "precision": _ratio(tp, guessed),
        "f1": np.where(true > 0, _ratio(2 * tp, true + guessed), np.nan),
    }


def _auroc(scores: Floats, positive: Flags, draws: BootstrapDraws) -> Floats:
    """(1 + B,) Mann-Whitney: the share of (positive, negative) pairs in the right order, ties half."""
    negatives, positives = np.flatnonzero(~positive), np.flatnonzero(positive)
    negatives = negatives[np.argsort(scores[negatives])]
    below = np.searchsorted(scores[negatives], scores[positives], side="left")
    not_above = np.searchsorted(scores[negatives], scores[positives], side="right")
    everyone = np.concatenate([negatives, positives])
    column = np.empty(len(draws.counts))
    for rows, weights in draws.weights(everyone):
        beaten = np.zeros((len(weights), len(negatives) + 1))
        np.cumsum(weights[:, : len(negatives)], axis=1, out=beaten[:, 1:])
        winners = weights[:, len(negatives) :]
        wins = ((beaten[:, below] + beaten[:, not_above]) * winners).sum(axis=1) / 2
        column[rows] = _ratio(wins, beaten[:, -1] * winners.sum(axis=1))
    return column


def _gaps(p: Floats, y: Ints, bins: int) -> Floats:
    """(N, bins) confidence minus being right, in the column of the image's bin.

    The sum of a column is the count of its bin times (confidence - accuracy): ECE is linear up to
    the absolute value.
    """
    confidence = p.max(axis=1)
    gap = confidence - (p.argmax(axis=1) == y)
    return np.where(_one_hot(_bin_of(confidence, bins), bins), gap[:, None], 0.0)


def _bin_of(confidence: Floats, bins: int) -> Ints:
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _one_hot(index: Ints, k: int) -> Flags:
    return np.asarray(index[:, None] == np.arange(k))


def _ratio(part: Floats, whole: Floats) -> Floats:
    quotient = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient
