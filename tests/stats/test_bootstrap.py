"""Intervals have known values, nominal coverage on clustered data, and are defined for degenerate samples."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate, mcnemar, paired_difference, wilson


def make_estimate(value=0.972, low=0.949, high=0.986, method="bootstrap"):
    return Estimate(value, low, high, n=669, units=43, unit="patient", method=method)


def test_an_estimate_is_printed_with_its_interval():
    assert str(make_estimate()) == "0.972 (0.949 to 0.986)"
    assert make_estimate().percent() == "97.2 % (94.9 to 98.6)"
    assert make_estimate(low=None, high=None, method="none").percent() == "97.2 % (no interval)"
    assert str(make_estimate(math.nan, None, None, "none")) == "undefined"


def test_an_estimate_is_valid_json():
    assert make_estimate().to_dict() == {
        "value": 0.972,
        "low": 0.949,
        "high": 0.986,
        "n": 669,
        "units": 43,
        "unit": "patient",
        "method": "bootstrap",
    }
    undefined = make_estimate(math.nan, None, None, "none").to_dict()
    assert json.loads(json.dumps(undefined, allow_nan=False))["value"] is None


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(44, 50, 0.762, 0.944), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0), (0, 0, 0, 1)],
)
def test_wilson_gives_known_values(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-4)


def test_wilson_agrees_with_scipy_at_other_levels():
    expected = scipy_stats.binomtest(37, 52).proportion_ci(confidence_level=0.9, method="wilson")
    assert wilson(37, 52, level=0.9) == pytest.approx((expected.low, expected.high))


def test_wilson_refuses_more_successes_than_trials():
    with assert_refused(DataError, found="51 successes of 50"):
        wilson(51, 50)


def test_the_first_row_is_the_sample_and_resamples_draw_whole_patients():
    resamples = BootstrapDraws.draw(ClusterBootstrap(["b", "a", "b", "c"], "patient", n_resamples=50, seed=3))
    assert resamples.counts.shape == (51, 3)
    assert (resamples.counts[0] == 1).all()
    assert (resamples.counts.sum(axis=1) == 3).all()
    totals = resamples.sums([10.0, 1.0, 20.0, 100.0])
    assert totals[0] == 131
    np.testing.assert_allclose(totals, resamples.counts @ [1.0, 30.0, 100.0])


def test_resamples_are_reproducible_by_seed():
    units = [f"p{i // 3}" for i in range(60)]
    one, again, other = (
        BootstrapDraws.draw(ClusterBootstrap(units, "patient", n_resamples=20, seed=s)).counts for s in (5, 5, 6)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("entries", [1, 30, 10**6])
def test_resamples_are_the_same_whether_drawn_row_by_row_or_in_blocks(monkeypatch, entries):
    monkeypatch.setattr("tumorlens.stats.bootstrap._BLOCK_ENTRIES", entries)
    names = [str(number) for number in range(10, 17)]
    random = np.random.default_rng(5)
    expected = [np.bincount(random.integers(7, size=7), minlength=7) for _ in range(40)]
    drawn = BootstrapDraws.draw(ClusterBootstrap(names, "patient", n_resamples=40, seed=5))
    assert np.array_equal(drawn.counts[1:], expected)


def test_no_images_is_an_error():
    with assert_refused(DataError, found="no images"):
        BootstrapDraws.draw(ClusterBootstrap([], "patient"))


def interval(values, units, seed):
    resamples = BootstrapDraws.draw(ClusterBootstrap(units, "patient", n_resamples=400, seed=seed))
    estimate = resamples.estimate(resamples.sums(values) / resamples.sums(np.ones(len(values))))
    return estimate.low, estimate.high


def test_only_resampling_by_patient_has_nominal_coverage():
    """200 test sets of 50 patients, some easy, some hard, 5 to 20 slices each; true accuracy 0.8."""
    random = np.random.default_rng(0)
    by_patient = by_image = 0
    for seed in range(200):
        patient = np.repeat(np.arange(50), random.integers(5, 21, size=50))
        correct = (random.random(len(patient)) < random.beta(1.6, 0.4, size=50)[patient]).astype(float)
        low, high = interval(correct, patient.astype(str), seed)
        by_patient += low <= 0.8 <= high
        low, high = interval(correct, np.arange(len(patient)).astype(str), seed)
        by_image += low <= 0.8 <= high
    assert 0.90 <= by_patient / 200 <= 0.99
    assert by_image / 200 < 0.75


def test_resamples_with_an_undefined_value_are_left_out():
    resamples = BootstrapDraws.draw(ClusterBootstrap(["a", "b"], "image", n_resamples=6))
    estimate = resamples.estimate(np.array([0.5, np.nan, 0.4, 0.6, np.nan, 0.4, 0.6]))
    assert estimate.method == "bootstrap"
    assert 0.4 <= estimate.low < estimate.high <= 0.6


@pytest.mark.parametrize("column", [[0.5, 0.5, 0.5], [0.5, np.nan, np.nan], [np.nan, 0.1, 0.9]])
def test_there_is_no_interval_without_variation(column):
    estimate = BootstrapDraws.draw(ClusterBootstrap(["a", "b"], "patient", n_resamples=2)).estimate(np.array(column))
    assert (estimate.low, estimate.high, estimate.method) == (None, None, "none")


def test_a_share_of_one_has_the_wilson_interval_of_the_patients():
    units = [f"p{i // 10}" for i in range(100)]
    resamples = BootstrapDraws.draw(ClusterBootstrap(units, "patient", n_resamples=10))
    among = np.arange(100) < 50
    estimate = resamples.proportion(np.ones(11), among)
    assert (estimate.n, estimate.units, estimate.method) == (50, 5, "wilson")
    assert (estimate.low, estimate.high) == pytest.approx(wilson(5, 5))
    assert resamples.proportion(np.zeros(11), among).high == pytest.approx(wilson(0, 5)[1])


def test_a_paired_interval_is_narrower_than_the_intervals_of_both():
    random = np.random.default_rng(1)
    units = [f"p{i // 8}" for i in range(400)]
    difficulty = np.repeat(random.normal(0, 0.2, size=50), 8)
    first = 0.7 + difficulty + random.normal(0, 0.01, size=400)
    second = 0.72 + difficulty + random.normal(0, 0.01, size=400)
    estimate = paired_difference(first, second, ClusterBootstrap(units, "patient"))
    assert estimate.value == pytest.approx((second - first).mean())
    assert 0.0 < estimate.low < 0.02 < estimate.high < 0.04
    low, high = interval(first, units, seed=0)
    assert estimate.high - estimate.low < 0.1 * (high - low)


def test_a_model_does_not_differ_from_itself():
    estimate = paired_difference([1, 0, 1], [1, 0, 1], ClusterBootstrap(["a", "b", "c"], "image"))
    assert (estimate.value, estimate.low, estimate.method) == (0.0, None, "none")


def test_paired_scores_must_be_of_the_same_images():
    with assert_refused(DataError, expected="same images"):
        paired_difference([1, 0], [1, 0, 1], ClusterBootstrap(["a", "b", "c"], "image"))


@pytest.mark.parametrize(("b", "c"), [(0, 0), (5, 5), (1, 9), (30, 12), (2, 700)])
def test_mcnemar_is_the_exact_binomial_test(b, c):
    expected = scipy_stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "n", "units", "words"),
    [
        ("patient", 669, 43, "669 images, 43 patients"),
        ("patient", 1, 1, "1 image, 1 patient"),
        ("image", 7023, 7023, "7,023 images, patients unknown"),
        ("patient or image", 752, 126, "752 images, 126 patients or single images"),
    ],
)
def test_evidence_has_the_sampling_unit(unit: str, n: int, units: int, words: str) -> None:
    estimate = Estimate(0.5, None, None, n, units, unit, "none")
    assert estimate.evidence == words
    assert words in repr(estimate)


def test_the_repr_and_the_notebook_show_value_interval_and_evidence() -> None:
    estimate = Estimate(0.972, 0.949, 0.986, 669, 43, "patient", "bootstrap")
    assert repr(estimate) == "Estimate(0.972 (0.949 to 0.986), 669 images, 43 patients)"
    assert estimate._repr_markdown_() == "**0.972 (0.949 to 0.986)** (95 % CI, 669 images, 43 patients)"
    assert repr(replace(estimate, value=float("nan"))) == "Estimate(undefined, 669 images, 43 patients)"


def test_means_are_over_the_chosen_images_and_undefined_where_a_resample_has_none() -> None:
    draws = BootstrapDraws.draw(ClusterBootstrap(["a", "a", "b", "c"], "patient", n_resamples=60, seed=1))
    among = np.array([True, True, True, False])
    means = draws.means([1.0, 0.0, 1.0, 100.0], among)
    assert means[0] == pytest.approx(2 / 3)
    a, b = (draws.counts[:, i] for i in (0, 1))
    assert np.array_equal(np.isnan(means), a + b == 0)
    assert np.isnan(means).any()
    defined = a + b > 0
    assert means[defined] == pytest.approx(((a + b) / np.maximum(1, 2 * a + b))[defined])
    share = draws.share(np.array([True, False, True, True]), among)
    assert (share.value, share.n, share.units) == (pytest.approx(2 / 3), 3, 2)
