"""Metrics of volumes are those that are counted by hand, and are left out where nothing can be counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.names import METRICS
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.metrics.volume_case import SliceCounts, VolumeCase
from tumorlens.metrics.volume_metrics import auroc_column, measure_volumes
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

TUMOR = VolumeCase(
    predicted=3000,
    reference=1000,
    intersection=800,
    tumor=True,
    positive=True,
    largest=2000,
    voxel_ml=0.001,
    surfaces=Surfaces(8.0, 0.3),
    surfaces_mm=Surfaces(16.0, 0.2),
    lesions=LesionCounts(3, 2, 1),
    slices=SliceCounts(8, 2, 3, 7),
)
HEALTHY = VolumeCase(
    predicted=500,
    tumor=False,
    positive=False,
    largest=500,
    voxel_ml=0.001,
    lesions=LesionCounts(0, 0, 4),
    slices=SliceCounts(0, 0, 5, 15),
)
CASES = [TUMOR, replace(TUMOR, predicted=2000, largest=400, positive=False), HEALTHY, HEALTHY]
PATIENTS = ClusterBootstrap(["a", "a", "b", "c"], "patient", n_resamples=300)


def test_every_metric_is_what_is_counted_by_hand() -> None:
    found = measure_volumes(CASES, PATIENTS)
    values = {name: one.value for name, one in found.estimates.items()}
    assert values == pytest.approx(
        {
            "study_sensitivity": 0.5,
            "study_specificity": 1.0,
            "study_auroc": 0.5,  # 2.0 and 0.4 ml against 0.5 and 0.5 ml
            "slice_sensitivity": 0.8,
            "slice_specificity": (7 + 7 + 15 + 15) / (10 + 10 + 20 + 20),
            "volume_dice": (1600 / 4000 + 1600 / 3000) / 2,
            "volume_hd95": 16.0,
            "volume_surface_dice": 0.2,
            "volume_lesion_sensitivity": 2 / 3,
            "volume_false_positives": 2.5,
            "volume_bias": 1.5,
            "volume_lower_limit": 1.5 - 1.96 * np.sqrt(0.5),
            "volume_upper_limit": 1.5 + 1.96 * np.sqrt(0.5),
            "volume_error": 1.5,
        }
    )
    assert (found.with_tumor, found.without_tumor, found.unknown, found.undetermined) == (2, 2, 0, 0)
    assert found.titles["volume_hd95"] == "3D HD95 (mm)"
    assert found.titles["volume_bias"] == "bias of the tumor volume (ml)"
    assert found.titles["volume_surface_dice"] == "3D surface Dice, 2 mm"


def test_all_of_them_are_in_the_registry_in_its_order() -> None:
    names = list(measure_volumes(CASES, PATIENTS).estimates)
    assert set(names) == {name for name, metric in METRICS.items() if metric.level == "volume"}


def test_evidence_counts_patients_and_an_exact_share_has_the_interval_of_wilson() -> None:
    found = measure_volumes(CASES, PATIENTS).estimates
    assert (found["study_sensitivity"].n, found["study_sensitivity"].units) == (2, 1)
    assert (found["study_specificity"].units, found["study_specificity"].method) == (2, "wilson")
    assert (found["slice_specificity"].n, found["slice_specificity"].units) == (60, 3)
    assert found["volume_dice"].method == "none"  # one patient: nothing to resample


def test_a_volume_without_spacing_makes_all_of_them_voxels() -> None:
    found = measure_volumes([*CASES, replace(TUMOR, voxel_ml=None, surfaces_mm=None)], units_of("aabcd"))
    assert (found.distance_unit, found.size_unit) == ("voxels", "voxels")
    assert found.estimates["volume_hd95"].value == 8
    assert found.estimates["volume_bias"].value == pytest.approx((2000 + 1000 + 2000) / 3)


def test_what_nothing_is_known_of_is_counted_and_not_measured() -> None:
    unknown = VolumeCase(predicted=5, voxel_ml=0.001)
    found = measure_volumes([unknown, unknown], units_of("ab"))
    assert found.estimates == {}
    assert found.agreement is None
    assert (found.unknown, found.undetermined) == (2, 2)


def test_a_study_without_a_grade_is_in_no_study_level_metric() -> None:
    found = measure_volumes([*CASES, replace(HEALTHY, positive=None)], units_of("aabcd"))
    assert found.undetermined == 1
    assert found.estimates["study_specificity"].n == 2
    assert found.estimates["slice_specificity"].n == 80


def test_the_area_under_the_curve_is_that_of_scikit_learn_in_every_resample() -> None:
    roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 8, 30).astype(float), rng.random(30) < 0.4
    draws = BootstrapDraws.draw(ClusterBootstrap([str(i // 3) for i in range(30)], "patient", 40))
    column = auroc_column(draws, scores, labels, ~labels)
    weights = draws.counts[:, draws.index]
    for row, value in zip(weights, column, strict=True):
        if row[labels].any() and row[~labels].any():
            assert value == pytest.approx(roc_auc_score(labels, scores, sample_weight=row))
        else:
            assert np.isnan(value)


def units_of(units: str) -> ClusterBootstrap:
    return ClusterBootstrap(list(units), "patient", n_resamples=100)
