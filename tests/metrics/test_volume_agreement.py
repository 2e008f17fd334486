"""Bias and limits of agreement are those of the paper, with intervals over patients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tumorlens.metrics.volume_agreement import bland_altman
from tumorlens.stats import ClusterBootstrap

# Peak expiratory flow by a large and a mini meter, Bland and Altman 1986, table 1, first measurements
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_the_example_of_the_paper() -> None:
    patients = ClusterBootstrap([str(i) for i in range(17)], "patient", n_resamples=500)
    found = bland_altman(LARGE, MINI, patients)
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)  # "the mean difference is -2.1 l/min"
    deviation = np.std(np.array(LARGE) - np.array(MINI), ddof=1)
    assert deviation == pytest.approx(38.8, abs=0.05)  # "and s is 38.8 l/min"
    assert found.lower.value == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    assert found.upper.value == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    assert found.error.value == pytest.approx(np.abs(np.array(LARGE) - np.array(MINI)).mean())
    for one in (found.bias, found.lower, found.upper, found.error):
        assert one.low is not None
        assert one.high is not None
        assert one.low < one.value < one.high
        assert (one.n, one.units, one.method) == (17, 17, "bootstrap")


def test_patients_are_resampled_whole() -> None:
    predicted, reference = [1.0, 1.0, 5.0, 5.0], [0.0, 0.0, 0.0, 0.0]
    alone = bland_altman(predicted, reference, ClusterBootstrap(list("abcd"), "patient", 2000))
    paired = bland_altman(predicted, reference, ClusterBootstrap(list("aabb"), "patient", 2000))
    assert alone.bias.value == paired.bias.value == 3
    assert (paired.bias.low, paired.bias.high) == (1, 5)  # one of two patients twice
    assert alone.bias.low is not None
    assert alone.bias.low > 1 or alone.bias.high != 5 or alone.bias.units == 4


def test_a_single_volume_has_a_difference_and_no_limits() -> None:
    found = bland_altman([12.0], [10.0], ClusterBootstrap(["a"], "patient", 100))
    assert found.bias.value == 2
    assert found.bias.low is None
    assert math.isnan(found.lower.value)
    assert math.isnan(found.upper.value)


def test_large_volumes_do_not_lose_small_differences() -> None:
    base = np.array([1e7, 2e7, 3e7, 4e7])
    found = bland_altman(base + np.arange(1, 5), base, ClusterBootstrap(list("abcd"), "patient", 50))
    assert found.upper.value - found.bias.value == pytest.approx(1.96 * np.std([1, 2, 3, 4], ddof=1), rel=1e-6)
