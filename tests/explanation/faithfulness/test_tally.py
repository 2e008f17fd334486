"""Scores of images become figures with intervals, and a method is held against the best control."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness.deletion_insertion import STEPS, Curves
from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Scores
from tumorlens.explanation.faithfulness.localization import THRESHOLDS, LocalizationScores
from tumorlens.explanation.faithfulness.tally import compare, figures, gather
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

BOOTSTRAP = ClusterBootstrap(["a", "a", "b", "b", "c", "c"], "patient", n_resamples=200)


def scores(**values: float | list[float]) -> Scores:
    full = {key: np.broadcast_to(np.array(values.get(key, 0.5), dtype=float), 6) for key in FIGURES}
    return Scores(full, 0.5, np.full(6, False))


def test_one_threshold_is_chosen_for_all_images() -> None:
    peaks = [3, 9, 9]  # two of three overlap best at 0.5
    overlaps = np.zeros((3, len(THRESHOLDS)))
    overlaps[range(3), peaks] = 0.6
    curve = Curves(np.linspace(0, 1, STEPS + 1), np.full(STEPS + 1, 0.25))
    found = gather([LocalizationScores(1, 0.3, row) for row in overlaps], [curve] * 3)
    assert found.threshold == 0.5
    np.testing.assert_allclose(found.values["best_iou"], [0, 0.6, 0.6])
    np.testing.assert_allclose(found.values["insertion"], 0.5)
    np.testing.assert_allclose(found.values["deletion"], 0.25)


def test_intervals_are_over_patients_and_classes_are_told_apart() -> None:
    labels = ["glioma"] * 4 + ["pituitary"] * 2
    found, per_class = figures(
        scores(pointing=[1, 1, 0, 0, 1, 1], energy=[0.1, 0.2, 0.5, 0.6, 0.9, 0.7]),
        labels,
        ("glioma", "meningioma", "pituitary"),
        BootstrapDraws.draw(BOOTSTRAP),
    )
    assert found["energy"].value == pytest.approx(0.5)
    assert (found["energy"].n, found["energy"].units) == (6, 3)
    assert list(per_class) == ["glioma", "pituitary"]
    assert per_class["glioma"]["energy"].value == pytest.approx(0.35)
    certain = per_class["pituitary"]["pointing"]
    assert (certain.value, certain.method) == (1, "wilson")  # two of two images are no certainty
    assert certain.low is not None
    assert certain.low < 0.5


def test_a_method_is_compared_with_the_best_control_of_each_figure() -> None:
    controls = {"center": scores(energy=0.2, deletion=0.4), "random": scores(energy=0.1, deletion=0.3)}
    found = compare(
        scores(energy=[0.30, 0.31, 0.4, 0.4, 0.3, 0.35], deletion=[0.1, 0.2, 0.1, 0.15, 0.2, 0.2]),
        controls, BOOTSTRAP,
    )  # fmt: skip
    assert (found["energy"].control, found["deletion"].control) == ("center", "random")
    assert found["energy"].better
    assert found["deletion"].better  # less is better there
    assert found["deletion"].difference.value < 0
    assert not found["insertion"].better


def test_more_deletion_or_less_energy_is_no_advantage() -> None:
    found = compare(
        scores(energy=[0.1, 0.11, 0.1, 0.1, 0.12, 0.1], deletion=[0.9, 0.8, 0.9, 0.8, 0.7, 0.9]),
        {"center": scores()}, BOOTSTRAP,
    )  # fmt: skip
    assert not found["energy"].better
    assert not found["deletion"].better
