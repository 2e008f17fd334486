"""The guarantee is measured: coverage of each class, size of sets, and selective accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation.analyses.selective.measure import COVERAGES, at_coverages
from tumorlens.evaluation.analyses.selective.result import SelectiveResult
from tumorlens.metrics.calibration import softmax
from tumorlens.stats import ClusterBootstrap
from tumorlens.stats.conformal import prediction_sets_of

CLASSES = ("glioma", "pituitary")


def predictions(patients: int, seed: int, hardness: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits, labels and patients; two slices each, and the second class is harder than the first."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(patients) % 2, 2)
    units = [f"p{i // 2}" for i in range(2 * patients)]
    sure = random.normal(2, 1, patients).repeat(2) - hardness * labels
    return np.stack([np.where(labels == 0, sure, 0), np.where(labels == 1, sure, 0)], axis=1), labels, units


def measured_with(patients: int) -> SelectiveResult:
    logits, labels, units = predictions(patients, 0, 2.0)
    names = [CLASSES[i] for i in labels]
    prediction_sets = prediction_sets_of(softmax(logits), names, units, CLASSES, "patient")
    logits, labels, units = predictions(1000, 1, 2.0)
    measured = at_coverages(prediction_sets, logits, labels, ClusterBootstrap(units, "patient", 100), CLASSES)
    return measured


@pytest.fixture(scope="module")
def found() -> SelectiveResult:
    return measured_with(120)


def test_both_classes_are_covered_as_guaranteed_though_one_is_harder() -> None:
    for row in measured_with(1000).rows:
        for name in CLASSES:
            assert row.empirical_coverage[name].value == pytest.approx(row.nominal_coverage, abs=0.05), (row, name)
            assert row.empirical_coverage[name].units == 500


def test_selective_accuracy_can_be_counted_by_hand() -> None:
    prediction_sets = prediction_sets_of([[0.9, 0.1]] * 9 + [[0.2, 0.8]] * 9, ["glioma"] * 9 + ["pituitary"] * 9,
                               [str(i) for i in range(18)], CLASSES, "patient")  # fmt: skip
    logits = np.log([[0.99, 0.01]] * 9 + [[0.01, 0.99]])
    bootstrap = ClusterBootstrap([f"p{i}" for i in range(10)], "patient", 100)
    measured = at_coverages(prediction_sets, logits, np.zeros(10, np.int64), bootstrap, CLASSES)
    assert measured.rows[2].accuracy is not None
    assert (measured.rows[2].answered.value, measured.rows[2].accuracy.value) == (1, pytest.approx(0.9))


def test_lower_coverage_means_smaller_prediction_sets(found: SelectiveResult) -> None:
    sizes = [row.size.value for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 2
    assert sizes[-1] < 1.9
    assert [row.nominal_coverage for row in found.rows] == list(COVERAGES)


def test_with_too_few_patients_the_reason_is_given_and_nothing_is_answered(found: SelectiveResult) -> None:
    first = found.rows[0]
    assert first.unknown is not None
    assert "needs 99 patients" in first.unknown
    assert first.answered.value == 0
    assert first.accuracy is None
    assert found.rows[-1].unknown is None
    assert found.units == {"glioma": 60, "pituitary": 60}


def test_patients_weigh_the_same() -> None:
    prediction_sets = prediction_sets_of([[0.9, 0.1]] * 9 + [[0.2, 0.8]] * 9, ["glioma"] * 9 + ["pituitary"] * 9,
                               [str(i) for i in range(18)], CLASSES, "patient")  # fmt: skip
    logits = np.log([[0.99, 0.01]] * 9 + [[0.01, 0.99]])
    bootstrap = ClusterBootstrap(["many"] * 9 + ["one"], "patient", 100)
    measured = at_coverages(prediction_sets, logits, np.zeros(10, np.int64), bootstrap, CLASSES)
    assert measured.rows[2].empirical_coverage["glioma"].value == pytest.approx(0.5)


def test_plain_data_holds_every_metric(found: SelectiveResult) -> None:
    data = found.to_dict()
    assert data["validation_units"] == {"glioma": 60, "pituitary": 60}
    assert set(data["rows"][0]) == {"nominal_coverage", "empirical_coverage", "size", "answered", "accuracy", "unknown"}
