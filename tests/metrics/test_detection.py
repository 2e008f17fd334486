"""Whether there is a tumor at all: values by hand and by scikit-learn, intervals by the plain loop."""

import math

import numpy as np
import pytest
from sklearn.metrics import recall_score

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError
from tumorlens.metrics.detection import TumorDetection, measure_detection
from tumorlens.stats import ClusterBootstrap, wilson

CLASSES = ("glioma", "no_tumor", "pituitary")
HEALTHY = frozenset({"no_tumor", "normal"})


def detect(labels, predicted, prevalence=None, *, patients=None, classes=CLASSES, n_resamples=200) -> TumorDetection:
    """The detection of labels and predictions by class name; every image is a patient of its own by default."""
    names = list(classes)
    probabilities = np.eye(len(names))[[names.index(name) for name in predicted]]
    units = patients or [str(i) for i in range(len(labels))]
    found = measure_detection(
        probabilities,
        [names.index(name) for name in labels],
        ClusterBootstrap(units, "patient", n_resamples),
        classes,
        HEALTHY,
        prevalence,
    )
    assert found is not None
    return found


def mixed(seed=0, n=200):
    """Labels and predictions of which some are wrong, and patients of four images."""
    random = np.random.default_rng(seed)
    labels = [CLASSES[i] for i in random.integers(3, size=n)]
    predicted = [CLASSES[random.integers(3)] if random.random() < 0.4 else label for label in labels]
    return labels, predicted, [str(i // 4) for i in range(n)]


def test_a_tumor_of_another_kind_is_still_a_tumor() -> None:
    found = detect(["glioma", "pituitary", "no_tumor", "no_tumor"], ["pituitary", "no_tumor", "no_tumor", "glioma"])
    assert (found.sensitivity.value, found.specificity.value) == (0.5, 0.5)
    assert (found.sensitivity.n, found.specificity.n, found.ppv, found.npv) == (2, 2, None, None)


def test_rates_agree_with_scikit_learn() -> None:
    labels, predicted, patients = mixed()
    found = detect(labels, predicted, patients=patients)
    truth, guess = ([name != "no_tumor" for name in names] for names in (labels, predicted))
    assert found.sensitivity.value == pytest.approx(recall_score(truth, guess))
    assert found.specificity.value == pytest.approx(recall_score(truth, guess, pos_label=False))


def test_predictive_values_follow_from_bayes() -> None:
    labels = ["glioma"] * 10 + ["no_tumor"] * 10
    predicted = ["glioma"] * 9 + ["no_tumor"] * 9 + ["glioma"] * 2  # sensitivity 0.9, specificity 0.8
    found = detect(labels, predicted, 0.05)
    assert found.ppv is not None
    assert found.npv is not None
    assert found.ppv.value == pytest.approx(0.045 / (0.045 + 0.2 * 0.95))
    assert found.npv.value == pytest.approx(0.8 * 0.95 / (0.8 * 0.95 + 0.1 * 0.05))
    half = detect(labels, predicted, 0.5)  # the share among these images: as counted
    assert half.ppv is not None
    assert half.ppv.value == pytest.approx(9 / 11)


def test_their_intervals_resample_patients_with_both_rates_together() -> None:
    labels, predicted, patients = mixed()
    found = detect(labels, predicted, 0.1, patients=patients, n_resamples=300)
    tumor, positive = (np.array([name != "no_tumor" for name in names]) for names in (labels, predicted))
    random, groups, values = np.random.default_rng(0), np.array(patients), []
    names = np.unique(groups)
    for _ in range(300):
        counts = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        weight = counts[np.searchsorted(names, groups)]
        sensitivity = weight[tumor & positive].sum() / weight[tumor].sum()
        specificity = weight[~tumor & ~positive].sum() / weight[~tumor].sum()
        values.append(sensitivity * 0.1 / (sensitivity * 0.1 + (1 - specificity) * 0.9))
    assert found.ppv is not None
    assert (found.ppv.low, found.ppv.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_a_perfect_specificity_does_not_make_the_predictive_value_certain() -> None:
    labels = ["glioma"] * 10 + ["no_tumor"] * 10
    found = detect(labels, ["glioma"] * 9 + ["no_tumor"] * 11, 0.05)
    low, _ = wilson(10, 10)
    assert found.specificity.low == pytest.approx(low)
    assert found.ppv is not None
    assert (found.ppv.value, found.ppv.high, found.ppv.method) == (1.0, 1.0, "wilson")
    sensitivity = found.sensitivity.low
    assert sensitivity is not None
    assert found.ppv.low == pytest.approx(sensitivity * 0.05 / (sensitivity * 0.05 + (1 - low) * 0.95))


def test_a_model_that_calls_everything_healthy_has_no_positive_predictive_value() -> None:
    found = detect(["glioma", "no_tumor"], ["no_tumor", "no_tumor"], 0.2)
    assert found.ppv is not None
    assert (found.ppv.value, found.ppv.low, found.ppv.high) == (None, None, None)
    assert found.npv is not None
    assert found.npv.value == pytest.approx(0.8)


def test_data_without_a_tumor_leaves_sensitivity_undefined() -> None:
    found = detect(["no_tumor"] * 4, ["no_tumor"] * 3 + ["glioma"])
    assert math.isnan(found.estimates["sensitivity"].value)
    assert found.specificity.value == 0.75


def test_classes_that_all_show_a_tumor_have_no_detection() -> None:
    probabilities, bootstrap = [[0.9, 0.1], [0.2, 0.8]], ClusterBootstrap(["a", "b"], "patient", 10)
    assert measure_detection(probabilities, [0, 1], bootstrap, ("glioma", "pituitary"), HEALTHY) is None
    with assert_refused(DataError, found="prevalence 0.05 for the classes glioma, pituitary"):
        measure_detection(probabilities, [0, 1], bootstrap, ("glioma", "pituitary"), HEALTHY, 0.05)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 5.0, -0.1, math.nan])
def test_a_prevalence_is_a_share(prevalence: float) -> None:
    with assert_refused(DataError, found=f"prevalence {prevalence:g}", expected="a share between 0 and 1"):
        detect(["glioma", "no_tumor"], ["glioma", "no_tumor"], prevalence)
