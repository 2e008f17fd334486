"""Thresholds hold for new patients, cost what the number of patients allows, and fit on a card."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from tumorlens.errors import DataError
from tumorlens.stats.conformal import (
    NonconformityQuantiles,
    PredictionSets,
    at_temperature_one,
    pooled,
    prediction_sets_of,
    quantiles_of,
    units_needed,
)

CLASSES = ("glioma", "pituitary")


def patients(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Scores of slices that resemble each other within a patient; patients have 1 to 30 of them."""
    random = np.random.default_rng(seed)
    scores, units = [], []
    for patient in range(count):
        slices = int(random.integers(1, 31))
        scores.append(1 / (1 + np.exp(-random.normal(0, 2) - random.normal(0, 0.3, slices))))
        units += [f"p{patient}"] * slices
    return np.concatenate(scores), units


def test_a_new_patients_slice_exceeds_the_threshold_no_more_often_than_allowed() -> None:
    exceeded = []
    for seed in range(200):
        limit = quantiles_of(*patients(40, seed)).threshold(0.1)
        scores, units = patients(60, 10_000 + seed)
        _, index = np.unique(units, return_inverse=True)
        exceeded.append(np.mean(np.bincount(index, scores > limit) / np.bincount(index)))
    assert 0.05 < np.mean(exceeded) <= 0.105


def test_slices_taken_for_patients_would_promise_too_much() -> None:
    scores, units = patients(15, 3)
    assert quantiles_of(scores, units).threshold(0.02) == math.inf
    assert quantiles_of(scores, [str(i) for i in range(len(scores))]).threshold(0.02) < 1


def test_each_patient_weighs_the_same_however_many_slices_it_has() -> None:
    levels, above = pooled([0.1, 0.1, 0.1, 0.9], ["a", "a", "a", "b"])
    assert levels.tolist() == [0.1, 0.9]
    assert above.tolist() == pytest.approx([0.5, 0])


@pytest.mark.parametrize(("error", "needed"), [(0.5, 1), (0.1, 9), (0.05, 19), (0.02, 49), (0.01, 99)])
def test_an_error_takes_a_number_of_patients_and_no_more(error: float, needed: int) -> None:
    assert units_needed(error) == needed
    for count, known in ((needed, True), (needed - 1, False)):
        scores = np.linspace(0, 0.9, count)
        assert math.isfinite(quantiles_of(scores, [str(i) for i in range(count)]).threshold(error)) == known


def test_what_is_kept_is_small_and_never_too_low() -> None:
    scores, units = patients(150, 0)
    whole, kept = quantiles_of(scores, units, steps=10**6), quantiles_of(scores, units)
    assert len(whole.scores) > 500
    assert len(kept.scores) <= 101
    assert len(json.dumps([kept.scores, kept.errors])) < 2500
    for error in np.linspace(0.007, 0.5, 200):
        assert whole.threshold(error) <= kept.threshold(error) <= whole.threshold(error) + 0.1
    assert kept.threshold(0.5) == pytest.approx(whole.threshold(0.5), abs=1e-6)


def test_a_class_without_enough_patients_stays_a_candidate_and_it_is_said_once() -> None:
    labels, units = ["glioma"] * 20 + ["pituitary"] * 3, [str(i) for i in range(23)]
    sure = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 3)
    found = prediction_sets_of(sure, labels, units, CLASSES, "patient")
    assert found.sets([[0.95, 0.05], [0.05, 0.95]], 0.05).tolist() == [[True, True], [False, True]]
    assert found.unknown(0.05) == (
        "max-error 0.05 needs 19 patients of a class held out from training, pituitary has 3: "
        "it stays a candidate for every image"
    )
    assert found.unknown(0.3) is None
    said = found.unknown(0.01)
    assert said is not None
    assert "glioma has 20, pituitary has 3: they stay candidates" in said


def test_a_class_that_validation_lacks_is_never_ruled_out() -> None:
    found = prediction_sets_of([[1.0, 0.0]] * 4, ["glioma"] * 4, list("abcd"), CLASSES, "image")
    assert found.quantiles["pituitary"] == NonconformityQuantiles(0, (), ())
    assert found.sets([[1.0, 0.0]], 0.4).tolist() == [[True, True]]


def test_it_survives_json() -> None:
    scores, units = patients(30, 1)
    found = PredictionSets({"glioma": quantiles_of(scores, units)}, "patient")
    kind = TypeAdapter(PredictionSets)
    assert kind.validate_json(kind.dump_json(found)) == found


def test_the_temperature_can_be_taken_out_again() -> None:
    logits = np.array([[3.0, 1.0, -40.0], [0.0, 0.0, 0.0]])

    def softmax(values: np.ndarray) -> np.ndarray:
        return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(at_temperature_one(softmax(logits / 1.7), 1.7), softmax(logits), atol=1e-12)
    assert at_temperature_one([[1.0, 0.0]], 0.5).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("error", [0.0, 1.0, -0.1, float("nan")])
def test_an_error_that_is_no_share_is_refused(error: float) -> None:
    with pytest.raises(DataError, match=r"max-error .* expected more than 0 and less than 1"):
        PredictionSets({}, "patient").sets(np.zeros((1, 0)), error)
