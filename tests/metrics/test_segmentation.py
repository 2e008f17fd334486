"""Masks are measured image by image at the image's own size, averaged, and resampled by patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.stats import ClusterBootstrap

CLASSES = ("glioma", "no_tumor")


def case(
    predicted: int, reference: int, both: int, hd95: float, lesions: LesionCounts, mm: float | None = None
) -> SegmentationCase:
    millimeters = None if mm is None else Surfaces(mm, 0.5)
    return SegmentationCase(64, predicted, reference, both, False, Surfaces(hd95, 0.25), millimeters, lesions)


CASES = [
    case(4, 4, 4, 0, LesionCounts(1, 1, 0), mm=0),
    case(4, 4, 0, 8, LesionCounts(1, 0, 1), mm=4),
    case(4, 12, 4, 2, LesionCounts(2, 1, 0), mm=1),
    case(0, 0, 0, 0, LesionCounts(0, 0, 0), mm=0),
    SegmentationCase(64, 3, lesions=LesionCounts(0, 0, 2)),
    SegmentationCase(64, 3),
]
LABELS = ["glioma", "glioma", "glioma", "no_tumor", "no_tumor", "glioma"]
UNITS = ["p1", "p1", "p2", "p3", "p4", "p5"]


def measured(cases: list[SegmentationCase]) -> Segmentation:
    found = measure_segmentation(cases, LABELS, ClusterBootstrap(UNITS, "patient", n_resamples=200), CLASSES)
    assert found is not None
    return found


def test_metrics_are_means_over_the_images_with_a_mask_with_intervals_by_patient() -> None:
    found = measured(CASES)
    dice = found.overall["dice"]
    assert dice.value == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert (dice.n, dice.units, dice.unit, dice.method) == (4, 3, "patient", "bootstrap")
    assert found.per_class["glioma"]["dice"].value == pytest.approx(0.5)
    assert found.per_class["glioma"]["dice"].n == 3
    assert found.per_class["no_tumor"]["iou"].value == 1
    assert (found.masks, found.empty, found.missed) == (4, 1, 1)
    assert (found.healthy, found.healthy_segmented) == (1, 1)


def test_the_median_stands_beside_the_mean() -> None:
    found = measured(CASES)
    assert found.medians["all"]["dice"] == pytest.approx(0.75)
    assert found.medians["glioma"]["dice"] == pytest.approx(0.5)
    assert found.medians["glioma"]["hd95"] == 1


def test_distances_are_in_millimeters_only_where_every_spacing_is_known() -> None:
    found = measured(CASES)
    assert (found.distance_unit, found.overall["hd95"].value) == ("mm", pytest.approx(5 / 4))
    assert found.overall["surface_dice"].value == 0.5
    assert found.titles["surface_dice"] == "surface Dice, 2 mm"
    mixed = measured([replace(CASES[0], surfaces_mm=None), *CASES[1:]])
    assert (mixed.distance_unit, mixed.overall["hd95"].value) == ("pixels", pytest.approx(10 / 4))
    assert mixed.overall["surface_dice"].value == 0.25
    assert mixed.titles["hd95"] == "HD95 (pixels)"


def test_lesions_count_each_and_false_positives_in_healthy_images_too() -> None:
    found = measured(CASES)
    hit, false = found.overall["lesion_sensitivity"], found.overall["false_positives"]
    assert hit.value == pytest.approx(2 / 4)
    assert (hit.n, hit.units) == (3, 2)
    assert false.value == pytest.approx((0 + 1 + 0 + 0 + 2) / 5)
    assert (false.n, false.units) == (5, 4)
    assert found.per_class["no_tumor"]["false_positives"].value == 1


def test_all_lesions_detected_leave_an_interval_as_wide_as_the_patients_are_few() -> None:
    hit = measured([CASES[0], replace(CASES[1], lesions=LesionCounts(1, 1, 0)), CASES[0], *CASES[3:]])
    figure = hit.overall["lesion_sensitivity"]
    assert (figure.value, figure.method, figure.high) == (1, "wilson", 1)
    assert figure.low < 0.5


def test_without_any_reference_mask_there_are_no_metrics() -> None:
    bootstrap = ClusterBootstrap(["p1"], "patient")
    assert measure_segmentation([SegmentationCase(64, 4)], ["glioma"], bootstrap, CLASSES) is None


def test_a_class_without_a_reference_mask_has_false_positives_alone() -> None:
    cases = [CASES[0], SegmentationCase(64, 1, lesions=LesionCounts(0, 0, 1))]
    found = measure_segmentation(
        cases, ["glioma", "no_tumor"], ClusterBootstrap(["p1", "p2"], "patient", n_resamples=100), CLASSES
    )
    assert found is not None
    assert found.per_class["no_tumor"]["dice"].to_dict()["value"] is None
    assert found.per_class["no_tumor"]["false_positives"].value == 1
    bootstrap = ClusterBootstrap(["p1", "p2"], "patient")
    alone = measure_segmentation(
        [CASES[0], SegmentationCase(64, 1)], ["glioma", "meningioma"], bootstrap, ("glioma", "meningioma")
    )
    assert alone is not None
    assert list(alone.per_class) == ["glioma"]
