"""What is promised is measured: coverage of each class, size of sets, what is answered and how well."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation.analyses.selective.measure import (
    COVERAGES,
    SelectiveResult,
    fit_prediction_sets,
    measure_selective,
)
from tumorlens.metrics.calibration import softmax
from tumorlens.stats import ClusterBootstrap
from tumorlens.stats.conformal import prediction_sets_of

CLASSES = ("glioma", "pituitary")


def answers(patients: int, seed: int, hardness: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits, labels and patients; two slices each, and the second class is harder than the first."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, 2)
    units = [f"p{i // 2}" for i in range(2 * patients)]
    sure = random.normal(2, 1, patients).repeat(2) - hardness * labels
    return np.stack([np.where(labels == 0, sure, 0), np.where(labels == 1, sure, 0)], axis=1), labels, units


def measured_with(patients: int) -> SelectiveResult:
    logits, labels, units = answers(patients, 0, 2.0)
    named = [CLASSES[i] for i in labels]
    candidates = prediction_sets_of(softmax(logits), named, units, CLASSES, "patient")
    logits, labels, units = answers(1000, 1, 2.0)
    measured = measure_selective(candidates, logits, labels, ClusterBootstrap(units, "patient", 100), CLASSES)
    assert measured is not None
    return measured


@pytest.fixture(scope="module")
def found() -> SelectiveResult:
    return measured_with(120)


def test_both_classes_are_covered_as_promised_though_one_is_harder() -> None:
    for row in measured_with(1000).rows:
        for name in CLASSES:
            assert row.coverage[name].value == pytest.approx(1 - row.error, abs=0.05), (row.error, name)
            assert row.coverage[name].units == 500


def test_the_answered_are_right_as_often_as_counting_them_says() -> None:
    candidates = prediction_sets_of([[0.9, 0.1]] * 9 + [[0.2, 0.8]] * 9, ["glioma"] * 9 + ["pituitary"] * 9,
                               [str(i) for i in range(18)], CLASSES, "patient")  # fmt: skip
    logits = np.log([[0.99, 0.01]] * 9 + [[0.01, 0.99]])
    bootstrap = ClusterBootstrap([f"p{i}" for i in range(10)], "patient", 100)
    measured = measure_selective(candidates, logits, np.zeros(10, np.int64), bootstrap, CLASSES)
    assert measured is not None
    assert measured.rows[2].accuracy is not None
    assert (measured.rows[2].answered.value, measured.rows[2].accuracy.value) == (1, pytest.approx(0.9))


def test_more_error_allowed_means_fewer_candidates(found: SelectiveResult) -> None:
    sizes = [row.size.value for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 2
    assert sizes[-1] < 1.9
    assert [row.error for row in found.rows] == list(COVERAGES)


def test_what_cannot_be_known_is_said_and_nothing_is_answered(found: SelectiveResult) -> None:
    first = found.rows[0]
    assert first.unknown is not None
    assert "needs 99 patients" in first.unknown
    assert first.answered.value == 0
    assert first.accuracy is None
    assert found.rows[-1].unknown is None
    assert found.units == {"glioma": 60, "pituitary": 60}


def test_patients_weigh_the_same() -> None:
    candidates = prediction_sets_of([[0.9, 0.1]] * 9 + [[0.2, 0.8]] * 9, ["glioma"] * 9 + ["pituitary"] * 9,
                               [str(i) for i in range(18)], CLASSES, "patient")  # fmt: skip
    logits = np.log([[0.99, 0.01]] * 9 + [[0.01, 0.99]])
    bootstrap = ClusterBootstrap(["many"] * 9 + ["one"], "patient", 100)
    measured = measure_selective(candidates, logits, np.zeros(10, np.int64), bootstrap, CLASSES)
    assert measured is not None
    assert measured.rows[2].coverage["glioma"].value == pytest.approx(0.5)


def test_plain_data_holds_every_figure(found: SelectiveResult) -> None:
    data = found.to_dict()
    assert data["validation_units"] == {"glioma": 60, "pituitary": 60}
    assert set(data["rows"][0]) == {"error", "coverage", "size", "answered", "accuracy", "unknown"}
    assert (
        measure_selective(None, np.zeros((1, 2)), np.zeros(1, np.int64), ClusterBootstrap(["a"], "patient"), CLASSES)
        is None
    )


def test_without_a_validation_part_nothing_is_learned() -> None:
    assert fit_prediction_sets([], np.zeros((0, 2)), CLASSES, "patient") is None
