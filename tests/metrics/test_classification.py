"""Figures agree with scikit-learn, and their intervals with the plain loop they replace."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics as reference

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError
from tumorlens.metrics.classification import measure, reliability_bins
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, wilson

CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")


def make_predictions(n=300, k=4, seed=0, decimals=None, skill=1.5):
    """Probabilities, labels and patients of five images each; few decimals make ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(k, size=n)
    logits = random.normal(size=(n, k))
    logits[np.arange(n), labels] += skill
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if decimals is not None:
        p[:, :-1] = p[:, :-1].round(decimals)
        p[:, -1] = 1 - p[:, :-1].sum(axis=1)
        p = np.abs(p)
        p /= p.sum(axis=1, keepdims=True)
    return p, labels, [f"p{i // 5}" for i in range(n)]


def score(p, labels, units, classes=CLASSES, n_resamples=200, seed=0, **kwargs):
    return measure(p, labels, ClusterBootstrap(units, "patient", n_resamples, seed), classes[: p.shape[1]], **kwargs)


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("decimals", [None, 1])
def test_figures_agree_with_scikit_learn(k, decimals):
    p, y, units = make_predictions(k=k, decimals=decimals, seed=k)
    found, guess = score(p, y, units), p.argmax(axis=1)
    truth = np.eye(k)[y]
    expected = {
        "accuracy": reference.accuracy_score(y, guess),
        "balanced_accuracy": reference.balanced_accuracy_score(y, guess),
        "macro_f1": reference.f1_score(y, guess, average="macro"),
        "weighted_f1": reference.f1_score(y, guess, average="weighted"),
        "macro_auroc": np.mean([reference.roc_auc_score(truth[:, c], p[:, c]) for c in range(k)]),
        "brier": np.mean([np.square(row - one).sum() for row, one in zip(p, truth, strict=True)]),
    }
    assert {name: found.overall[name].value for name in expected} == pytest.approx(expected)
    if k > 2:
        assert expected["macro_auroc"] == pytest.approx(reference.roc_auc_score(y, p, multi_class="ovr"))
    else:
        assert expected["brier"] == pytest.approx(2 * reference.brier_score_loss(y, p[:, 1]))
    precision, recall, f1, support = reference.precision_recall_fscore_support(y, guess)
    for c, figures in enumerate(found.per_class.values()):
        assert figures["precision"].value == pytest.approx(precision[c])
        assert figures["sensitivity"].value == pytest.approx(recall[c])
        assert figures["specificity"].value == pytest.approx(reference.recall_score(y != c, guess != c))
        assert figures["f1"].value == pytest.approx(f1[c])
        assert figures["auroc"].value == pytest.approx(reference.roc_auc_score(y == c, p[:, c]))
    np.testing.assert_array_equal(found.confusion_matrix, reference.confusion_matrix(y, guess))
    assert list(found.support.values()) == support.tolist()


def test_intervals_are_those_of_resampling_patients_one_by_one():
    p, y, units = make_predictions(n=120, k=3, decimals=1, seed=8)
    found, guess = score(p, y, units, n_resamples=150, seed=4), p.argmax(axis=1)
    drawn = BootstrapDraws.draw(ClusterBootstrap(units, "patient", n_resamples=150, seed=4))
    weights = drawn.counts[1:, drawn.index]
    loops = {
        "accuracy": [reference.accuracy_score(y, guess, sample_weight=w) for w in weights],
        "balanced_accuracy": [reference.balanced_accuracy_score(y, guess, sample_weight=w) for w in weights],
        "weighted_f1": [reference.f1_score(y, guess, average="weighted", sample_weight=w) for w in weights],
        "macro_auroc": [
            np.mean([reference.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in range(3)]) for w in weights
        ],
    }
    for name, values in loops.items():
        low, high = np.quantile(values, [0.025, 0.975])
        figure = found.overall[name]
        assert (figure.low, figure.high) == pytest.approx((low, high)), name
        assert (figure.n, figure.units, figure.method) == (120, 24, "bootstrap")


def test_calibration_error_is_the_weighted_gap_of_the_reliability_diagram():
    p, y, units = make_predictions(skill=0.5)
    bins = reliability_bins(p, y, bins=10)
    gap = sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / len(y)
    assert score(p, y, units, bins=10).overall["ece"].value == pytest.approx(gap)
    assert sum(b.count for b in bins) == len(y)
    assert all(b.low < b.confidence <= b.high + 1e-9 for b in bins)


def test_confidence_on_an_edge_belongs_to_the_bin_below():
    p = np.array([[0.5, 0.5], [1.0, 0.0], [0.6, 0.4]])
    (half, sixty, sure) = reliability_bins(p, [0, 1, 0], bins=10)
    assert (half.high, half.accuracy) == (0.5, 1.0)
    assert sixty.confidence == pytest.approx(0.6)
    assert (sure.low, sure.high, sure.accuracy) == (0.9, 1.0, 0.0)
    assert sure.to_dict()["count"] == 1


def test_a_perfect_result_is_not_called_certain():
    y = np.repeat([0, 1], 30)
    found = score(np.eye(2)[y], y, [f"p{i // 6}" for i in range(60)], classes=("no", "yes"))
    accuracy = found.overall["accuracy"]
    assert (accuracy.value, accuracy.n, accuracy.units, accuracy.method) == (1.0, 60, 10, "wilson")
    assert (accuracy.low, accuracy.high) == pytest.approx(wilson(10, 10))
    sensitivity = found.per_class["yes"]["sensitivity"]
    assert (sensitivity.n, sensitivity.units) == (30, 5)
    assert sensitivity.low == pytest.approx(wilson(5, 5)[0])
    for figure in (found.overall["macro_f1"], found.overall["macro_auroc"], found.per_class["yes"]["auroc"]):
        assert (figure.value, figure.low, figure.high, figure.method) == (1.0, None, None, "none")


def test_a_class_that_is_absent_is_undefined_and_left_out_of_the_means():
    p, y, units = make_predictions(k=3, seed=2)
    keep = y != 2
    p, y, units = p[keep], y[keep], [u for u, k in zip(units, keep, strict=True) if k]
    found = score(p, y, units)
    absent = found.per_class["pituitary"]
    for name in ("sensitivity", "f1", "auroc"):
        assert math.isnan(absent[name].value)
        assert absent[name].method == "none"
    assert absent["sensitivity"].n == found.support["pituitary"] == 0
    assert absent["specificity"].value == pytest.approx(np.mean(p.argmax(axis=1) != 2))
    recall = reference.recall_score(y, p.argmax(axis=1), labels=[0, 1], average="macro")
    assert found.overall["balanced_accuracy"].value == pytest.approx(recall)
    f1 = reference.f1_score(y, p.argmax(axis=1), labels=[0, 1], average="macro")
    assert found.overall["macro_f1"].value == pytest.approx(f1)


def test_a_class_never_predicted_has_no_precision_but_a_sensitivity_of_zero():
    found = score(np.array([[0.9, 0.1]] * 4), [0, 0, 1, 1], list("abcd"), classes=("no", "yes"))
    assert math.isnan(found.per_class["yes"]["precision"].value)
    sensitivity = found.per_class["yes"]["sensitivity"]
    assert (sensitivity.value, sensitivity.method) == (0.0, "wilson")
    assert found.per_class["yes"]["auroc"].value == 0.5


def test_one_patient_gives_figures_without_bootstrap_intervals():
    p, y, _ = make_predictions(n=40)
    found = score(p, y, ["p0"] * 40)
    assert {figure.method for figure in found.overall.values()} == {"none"}


def test_one_image_can_be_measured():
    found = score(np.array([[0.2, 0.8]]), [1], ["a"], classes=("no", "yes"))
    assert found.overall["accuracy"].value == 1.0
    assert math.isnan(found.overall["macro_auroc"].value)


def test_one_seed_gives_one_answer_and_the_result_goes_into_strict_json():
    p, y, units = make_predictions()
    one, again = (score(p, y, units, seed=7).to_dict() for _ in range(2))
    assert json.dumps(one, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert one != score(p, y, units, seed=8).to_dict()
    assert one["overall"]["accuracy"]["unit"] == "patient"


@pytest.mark.parametrize(
    ("p", "y", "units", "fields"),
    [
        ([[0.5, 0.5]], [0, 1], ["a", "b"], {"found": "shape", "expected": r"\(2, 2\)"}),
        ([[0.5, 0.5]], [2], ["a"], {"found": "labels from 2 to 2", "expected": "0 to 1"}),
        ([[3.1, -2.0]], [0], ["a"], {"found": r"image 0: \[3.1, -2.0\]", "advice": "softmax"}),
        ([[np.nan, np.nan]], [0], ["a"], {"found": "image 0", "advice": "diverged"}),
        ([[0.5, 0.5]], [0], ["a", "b"], {"found": "2 sampling units for 1 images"}),
        (np.empty((0, 2)), [], [], {"found": "no images"}),
    ],
)
def test_input_that_does_not_fit_is_refused(p, y, units, fields):
    with assert_refused(DataError, **fields):
        measure(p, y, ClusterBootstrap(units, "image"), ("no", "yes"))


def test_the_calibration_error_of_a_calibrated_network_may_be_zero():
    random = np.random.default_rng(0)
    p = random.uniform(0.5, 1.0, size=400)
    labels = (random.random(400) > p).astype(int)
    ece = measure(np.c_[p, 1 - p], labels, ClusterBootstrap([str(i) for i in range(400)], "image"), ["a", "b"]).overall[
        "ece"
    ]
    assert ece.low == 0 < ece.value <= ece.high
