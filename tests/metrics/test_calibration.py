"""Temperature scaling finds the temperature that was put in, and keeps its hands off where it cannot know."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DataError
from tumorlens.metrics.calibration import fit_temperature, nll, softmax, why_not_fitted


def make_logits(temperature, n=20_000, k=3, seed=0):
    """Logits of a network that is too sure of itself by `temperature`, and labels from the true odds."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 2, size=(n, k))
    steps = softmax(honest).cumsum(axis=1)
    labels = (random.random((n, 1)) > steps).sum(axis=1).clip(max=k - 1)
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_known_temperature_is_recovered(temperature):
    logits, labels = make_logits(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


def test_few_patients_move_the_temperature_less_than_many():
    logits, labels = make_logits(0.3, n=500)
    few, many = fit_temperature(logits, labels, 5), fit_temperature(logits, labels, 500)
    assert many < few < 1
    assert fit_temperature(logits, labels) == many


def test_no_other_temperature_makes_the_labels_of_many_patients_likelier():
    logits, labels = make_logits(2.5, n=20_000)
    best = fit_temperature(logits, labels)
    around = [nll(logits, labels, best * factor) for factor in (0.5, 0.9, 0.98, 1.02, 1.1, 2)]
    assert nll(logits, labels, best) <= min(around)
    assert fit_temperature(logits, labels) == best


def test_log_loss_and_probabilities_agree_with_scikit_learn():
    logits, labels = make_logits(1.7, n=500)
    for temperature in (0.5, 1.0, 3.0):
        p = softmax(logits, temperature)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert nll(logits, labels, temperature) == pytest.approx(log_loss(labels, p))


def test_huge_logits_do_not_overflow():
    logits = np.array([[1e4, 0.0], [0.0, 1e4]])
    assert softmax(logits).tolist() == [[1, 0], [0, 1]]
    assert nll(logits, [1, 1]) == pytest.approx(5000)


def test_all_right_or_too_few_labels_leave_the_network_as_it_is():
    logits = np.array([[4.0, 0.0], [0.0, 3.0], [2.0, 1.0]])
    assert fit_temperature(logits, [0, 1, 0]) == 1.0
    assert "all 3 images are predicted right" in why_not_fitted(logits, [0, 1, 0])
    assert fit_temperature(logits[:1], [1]) == 1.0
    assert why_not_fitted(logits[:1], [1]) == "only 1 labeled image"
    assert fit_temperature(np.empty((0, 2)), []) == 1.0
    assert why_not_fitted(logits, [0, 1, 1]) is None


def test_a_network_worse_than_chance_is_flattened():
    logits = np.array([[4.0, 0.0], [0.0, 3.0], [2.0, 1.0]])
    assert fit_temperature(logits, [1, 0, 1]) > 1.5
    assert fit_temperature(logits, [1, 0, 1], 10**6) == pytest.approx(20)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ([[1.0, 2.0]], [0, 1], "of shape"),
        ([[1.0, 2.0]], [2], "labels from 2"),
        ([[np.nan, 2.0], [1.0, 0.0]], [0, 1], "diverged"),
    ],
)
def test_input_that_does_not_fit_is_refused(logits, labels, message):
    with assert_refused(DataError, found=message):
        fit_temperature(logits, labels)
