"""Scores + labels -> the points of ROC and precision-recall curves, few enough for a plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Ints

CURVE_POINTS = 200


@dataclass(frozen=True, eq=False)
class RocPoints:
    """Points of a ROC curve from (0, 0) to (1, 1). All arrays are empty where positives or negatives are missing.

    Attributes:
        thresholds: (M,) falling; a score of at least this is predicted as positive. The first is infinite.
        false_positive: (M,) false positive rates, rising.
        true_positive: (M,) true positive rates, rising.
    """

    thresholds: Floats
    false_positive: Floats
    true_positive: Floats


@dataclass(frozen=True, eq=False)
class PrecisionRecallPoints:
    """Points of a precision-recall curve from recall 0 to 1. All arrays are empty where positives are missing.

    Attributes:
        thresholds: (M,) falling; a score of at least this is predicted as positive. The first is infinite: there
            nothing is predicted as positive, and the precision is 1 by convention.
        recall: (M,) rising.
        precision: (M,) in [0, 1].
    """

    thresholds: Floats
    recall: Floats
    precision: Floats


def roc_points(scores: npt.ArrayLike, positive: npt.ArrayLike) -> RocPoints:
    """The ROC curve without points on straight lines, thinned to at most 200 points.

    Args:
        scores: (N,) higher is more likely positive.
        positive: (N,) true where the image is.
    """
    hits = np.asarray(positive, dtype=bool)
    if hits.all() or not hits.any():
        return RocPoints(np.empty(0), np.empty(0), np.empty(0))
    thresholds, tp, fp = _counts(scores, hits)
    bends = np.concatenate([[True], (np.diff(tp, 2) != 0) | (np.diff(fp, 2) != 0), [True]])
    tpr, fpr = tp[bends] / hits.sum(), fp[bends] / (~hits).sum()
    keep = _thinned(tpr + fpr)
    return RocPoints(thresholds[bends][keep], fpr[keep], tpr[keep])


def precision_recall_points(scores: npt.ArrayLike, positive: npt.ArrayLike) -> PrecisionRecallPoints:
    """The precision-recall curve, thinned to at most 200 points.

    Args:
        scores: (N,) higher is more likely positive.
        positive: (N,) true where the image is.
    """
    hits = np.asarray(positive, dtype=bool)
    if not hits.any():
        return PrecisionRecallPoints(np.empty(0), np.empty(0), np.empty(0))
    thresholds, tp, fp = _counts(scores, hits)
    recall, precision = tp / hits.sum(), np.append(1.0, tp[1:] / (tp + fp)[1:])
    keep = _thinned(np.append(0.0, np.cumsum(np.abs(np.diff(recall)) + np.abs(np.diff(precision)))))
    return PrecisionRecallPoints(thresholds[keep], recall[keep], precision[keep])


def _counts(scores: npt.ArrayLike, hits: npt.NDArray[np.bool_]) -> tuple[Floats, Ints, Ints]:
    """Thresholds from infinity downward, and the true and false positives at each."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last_of_equals = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    tp = np.append(0, np.cumsum(hits[order])[last_of_equals])
    fp = np.append(0, np.cumsum(~hits[order])[last_of_equals])
    return np.append(np.inf, values[order][last_of_equals]), tp, fp


def _thinned(length: Floats) -> Ints:
    """Positions of at most 200 points at equal steps along the curve, so that no part of it has few points.

    Args:
        length: of the curve up to each point, rising.
    """
    if len(length) <= CURVE_POINTS:
        return np.arange(len(length))
    return np.unique(np.searchsorted(length, np.linspace(0, length[-1], CURVE_POINTS)))
