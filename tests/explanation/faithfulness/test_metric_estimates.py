"""Scores of images become estimates with intervals, and a method is compared with the best control map."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness.deletion_insertion import STEPS, PerturbationCurves
from tumorlens.explanation.faithfulness.faithfulness_result import FAITHFULNESS_METRICS, MapScores
from tumorlens.explanation.faithfulness.localization import THRESHOLDS, LocalizationScores
from tumorlens.explanation.faithfulness.metric_estimates import collect_scores, compare_with_controls, estimate_metrics
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

BOOTSTRAP = ClusterBootstrap(["a", "a", "b", "b", "c", "c"], "patient", n_resamples=200)


def scores(**values: float | list[float]) -> MapScores:
    full = {key: np.broadcast_to(np.array(values.get(key, 0.5), dtype=float), 6) for key in FAITHFULNESS_METRICS}
    return MapScores(full, 0.5, np.full(6, False))


def test_one_threshold_is_chosen_for_all_images() -> None:
    best = [3, 9, 9]  # two of three are best at 0.5
    iou = np.zeros((3, len(THRESHOLDS)))
    iou[range(3), best] = 0.6
    curve = PerturbationCurves(np.linspace(0, 1, STEPS + 1), np.full(STEPS + 1, 0.25))
    collected = collect_scores([LocalizationScores(1, 0.3, row) for row in iou], [curve] * 3)
    assert collected.threshold == 0.5
    np.testing.assert_allclose(collected.values["best_iou"], [0, 0.6, 0.6])
    np.testing.assert_allclose(collected.values["insertion"], 0.5)
    np.testing.assert_allclose(collected.values["deletion"], 0.25)


def test_intervals_are_by_patient_over_all_images_and_by_class() -> None:
    labels = ["glioma"] * 4 + ["pituitary"] * 2
    estimates, per_class = estimate_metrics(
        scores(pointing_game=[1, 1, 0, 0, 1, 1], relevance_mass_accuracy=[0.1, 0.2, 0.5, 0.6, 0.9, 0.7]),
        labels,
        ("glioma", "meningioma", "pituitary"),
        BootstrapDraws.draw(BOOTSTRAP),
    )
    assert estimates["relevance_mass_accuracy"].value == pytest.approx(0.5)
    assert (estimates["relevance_mass_accuracy"].n, estimates["relevance_mass_accuracy"].units) == (6, 3)
    assert list(per_class) == ["glioma", "pituitary"]
    assert per_class["glioma"]["relevance_mass_accuracy"].value == pytest.approx(0.35)
    certain = per_class["pituitary"]["pointing_game"]
    assert (certain.value, certain.method) == (1, "wilson")  # two of two images are not certain
    assert certain.low is not None
    assert certain.low < 0.5


def test_a_method_is_compared_with_the_best_control_map_of_each_metric() -> None:
    controls = {
        "center": scores(relevance_mass_accuracy=0.2, deletion=0.4),
        "random": scores(relevance_mass_accuracy=0.1, deletion=0.3),
    }
    differences = compare_with_controls(
        scores(relevance_mass_accuracy=[0.30, 0.31, 0.4, 0.4, 0.3, 0.35], deletion=[0.1, 0.2, 0.1, 0.15, 0.2, 0.2]),
        controls, BOOTSTRAP,
    )  # fmt: skip
    assert (differences["relevance_mass_accuracy"].control, differences["deletion"].control) == ("center", "random")
    assert differences["relevance_mass_accuracy"].better
    assert differences["deletion"].better  # lower is better
    assert differences["deletion"].difference.value < 0
    assert not differences["insertion"].better


def test_higher_deletion_or_lower_mass_accuracy_is_not_better() -> None:
    differences = compare_with_controls(
        scores(relevance_mass_accuracy=[0.1, 0.11, 0.1, 0.1, 0.12, 0.1], deletion=[0.9, 0.8, 0.9, 0.8, 0.7, 0.9]),
        {"center": scores()}, BOOTSTRAP,
    )  # fmt: skip
    assert not differences["relevance_mass_accuracy"].better
    assert not differences["deletion"].better
