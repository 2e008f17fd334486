"""Thresholds hold for new patients, need a known number of patients, and are stored in a model card."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError
from tumorlens.stats.conformal import (
    NonconformityQuantiles,
    PredictionSets,
    at_temperature_one,
    error_rate,
    pooled,
    prediction_sets_of,
    quantiles_of,
    units_needed,
)

CLASSES = ("glioma", "pituitary")


def patients(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Scores of slices that are correlated within a patient; patients have 1 to 30 of them."""
    random = np.random.default_rng(seed)
    scores, units = [], []
    for patient in range(count):
        slices = int(random.integers(1, 31))
        scores.append(1 / (1 + np.exp(-random.normal(0, 2) - random.normal(0, 0.3, slices))))
        units += [f"p{patient}"] * slices
    return np.concatenate(scores), units


def test_slices_of_new_patients_exceed_the_threshold_at_the_nominal_rate() -> None:
    exceeded = []
    for seed in range(200):
        threshold = quantiles_of(*patients(40, seed)).threshold(0.1)
        scores, units = patients(60, 10_000 + seed)
        _, index = np.unique(units, return_inverse=True)
        exceeded.append(np.mean(np.bincount(index, scores > threshold) / np.bincount(index)))
    assert 0.05 < np.mean(exceeded) <= 0.105


def test_slices_as_sampling_units_give_thresholds_that_are_too_low() -> None:
    scores, units = patients(15, 3)
    assert quantiles_of(scores, units).threshold(0.02) == math.inf
    assert quantiles_of(scores, [str(i) for i in range(len(scores))]).threshold(0.02) < 1


def test_all_patients_have_the_same_weight() -> None:
    levels, above = pooled([0.1, 0.1, 0.1, 0.9], ["a", "a", "a", "b"])
    assert levels.tolist() == [0.1, 0.9]
    assert above.tolist() == pytest.approx([0.5, 0])


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 1), (0.9, 9), (0.95, 19), (0.98, 49), (0.99, 99)])
def test_a_coverage_needs_an_exact_number_of_patients(coverage: float, needed: int) -> None:
    assert units_needed(coverage) == needed
    error = error_rate(coverage)
    for count, known in ((needed, True), (needed - 1, False)):
        scores = np.linspace(0, 0.9, count)
        assert math.isfinite(quantiles_of(scores, [str(i) for i in range(count)]).threshold(error)) == known


def test_stored_quantiles_are_small_and_never_too_low() -> None:
    scores, units = patients(150, 0)
    complete, stored = quantiles_of(scores, units, steps=10**6), quantiles_of(scores, units)
    assert len(complete.scores) > 500
    assert len(stored.scores) <= 101
    assert len(json.dumps([stored.scores, stored.errors])) < 2500
    for error in np.linspace(0.007, 0.5, 200):
        assert complete.threshold(error) <= stored.threshold(error) <= complete.threshold(error) + 0.1
    assert stored.threshold(0.5) == pytest.approx(complete.threshold(0.5), abs=1e-6)


def test_a_class_with_too_few_patients_is_in_every_prediction_set() -> None:
    labels, units = ["glioma"] * 20 + ["pituitary"] * 3, [str(i) for i in range(23)]
    sure = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 3)
    sets = prediction_sets_of(sure, labels, units, CLASSES, "patient")
    assert sets.sets([[0.95, 0.05], [0.05, 0.95]], 0.95).tolist() == [[True, True], [False, True]]
    assert sets.unknown(0.95) == (
        "coverage 0.95 needs 19 patients of a class held out from training, pituitary has 3: "
        "it is in the prediction set of every image"
    )
    assert sets.unknown(0.7) is None
    assert "glioma has 20, pituitary has 3: they are in the prediction set" in str(sets.unknown(0.99))


def test_a_class_without_validation_images_is_in_every_prediction_set() -> None:
    sets = prediction_sets_of([[1.0, 0.0]] * 4, ["glioma"] * 4, list("abcd"), CLASSES, "image")
    assert sets.quantiles["pituitary"] == NonconformityQuantiles(0, (), ())
    assert sets.sets([[1.0, 0.0]], 0.6).tolist() == [[True, True]]


def test_prediction_sets_are_stored_as_json() -> None:
    scores, units = patients(30, 1)
    sets = PredictionSets({"glioma": quantiles_of(scores, units)}, "patient")
    adapter = TypeAdapter(PredictionSets)
    assert adapter.validate_json(adapter.dump_json(sets)) == sets


def test_the_temperature_is_removed_from_probabilities() -> None:
    logits = np.array([[3.0, 1.0, -40.0], [0.0, 0.0, 0.0]])

    def softmax(values: np.ndarray) -> np.ndarray:
        return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(at_temperature_one(softmax(logits / 1.7), 1.7), softmax(logits), atol=1e-12)
    assert at_temperature_one([[1.0, 0.0]], 0.5).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, float("nan")])
def test_a_coverage_outside_of_zero_to_one_is_refused(coverage: float) -> None:
    with assert_refused(DataError, found="coverage .* found", expected="more than 0 and less than 1"):
        PredictionSets({}, "patient").sets(np.zeros((1, 0)), coverage)
