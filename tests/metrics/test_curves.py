"""The points of ROC and precision-recall curves are those of scikit-learn, and few."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from tumorlens.metrics.curves import CURVE_POINTS, precision_recall_points, roc_points


def scores(n: int, decimals: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores, with ties where decimals are few, and labels."""
    random = np.random.default_rng(0)
    positive = random.random(n) < 0.3
    values = positive + random.normal(size=n)
    return (values if decimals is None else values.round(decimals)), positive


@pytest.mark.parametrize("decimals", [None, 1])
def test_points_are_those_of_scikit_learn(decimals: int | None) -> None:
    values, positive = scores(120, decimals)
    roc = roc_points(values, positive)
    full = set(
        zip(*(rates.tolist() for rates in reference.roc_curve(positive, values, drop_intermediate=False)), strict=True)
    )
    assert (
        set(zip(roc.false_positive.tolist(), roc.true_positive.tolist(), roc.thresholds.tolist(), strict=True)) <= full
    )
    area = reference.roc_auc_score(positive, values)  # only points on straight lines are left out
    assert reference.auc(roc.false_positive, roc.true_positive) == pytest.approx(area)
    precision, recall, thresholds = reference.precision_recall_curve(positive, values)
    found = precision_recall_points(values, positive)
    np.testing.assert_allclose(found.precision, precision[::-1])
    np.testing.assert_allclose(found.recall, recall[::-1])
    np.testing.assert_array_equal(found.thresholds, [np.inf, *thresholds[::-1]])


@pytest.mark.parametrize("decimals", [None, 2])
def test_a_thinned_curve_is_short_and_has_the_same_area(decimals: int | None) -> None:
    values, positive = scores(4000, decimals)
    roc = roc_points(values, positive)
    assert len(roc.thresholds) <= CURVE_POINTS
    assert (roc.false_positive[0], roc.true_positive[0], roc.false_positive[-1], roc.true_positive[-1]) == (0, 0, 1, 1)
    assert (np.diff(roc.false_positive) >= 0).all()
    assert (np.diff(roc.true_positive) >= 0).all()
    area = reference.roc_auc_score(positive, values)
    assert reference.auc(roc.false_positive, roc.true_positive) == pytest.approx(area, abs=1e-3)
    found = precision_recall_points(values, positive)
    assert len(found.thresholds) <= CURVE_POINTS
    assert (found.recall[0], found.precision[0], found.recall[-1]) == (0, 1, 1)
    precision, recall, _ = reference.precision_recall_curve(positive, values)
    assert reference.auc(found.recall, found.precision) == pytest.approx(reference.auc(recall, precision), abs=3e-3)


def test_a_threshold_has_the_rates_of_its_point() -> None:
    values, positive = scores(500)
    found = precision_recall_points(values, positive)
    for threshold, recall, precision in zip(*(a[1:] for a in vars(found).values()), strict=True):
        predicted = values >= threshold
        assert recall == pytest.approx(reference.recall_score(positive, predicted))
        assert precision == pytest.approx(reference.precision_score(positive, predicted))


def test_the_curve_of_a_perfect_ranking_is_a_corner() -> None:
    roc = roc_points([0.1, 0.2, 0.3, 0.8, 0.9], [0, 0, 0, 1, 1])
    assert (roc.false_positive.tolist(), roc.true_positive.tolist()) == ([0, 0, 1], [0, 1, 1])
    found = precision_recall_points([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert found.precision[found.recall == 1].max() == 1


def test_a_curve_of_one_class_is_empty() -> None:
    assert roc_points([0.1, 0.2], [1, 1]).thresholds.size == 0
    assert precision_recall_points([0.1, 0.2], [0, 0]).thresholds.size == 0
    assert precision_recall_points([0.1, 0.2], [1, 1]).precision.tolist() == [1, 1, 1]
