"""Masks are measured image by image at the image's own size, averaged, and resampled by patient."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorlens._record import Record
from tumorlens.datasets import Table
from tumorlens.evaluation import Evaluation, evaluate, write_evaluation
from tumorlens.evaluation.page.segmentation_tables import segmentation_tables
from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation
from tumorlens.metrics.surfaces import Surfaces
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run

CLASSES = ("glioma", "no_tumor")


@pytest.fixture(scope="module")
def found(segmentation_run: Run) -> Evaluation:
    return evaluate(segmentation_run, n_resamples=100)


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
    covered, others = ({row[0]: list(row[1:]) for row in block.rows} for (block,) in segmentation_tables(found))
    assert covered["no_tumor"] == ["0", "", "", "", ""]
    assert covered["glioma"][:3] == ["1", "1.000 (no interval)", "1.000"]
    assert others["no_tumor"] == ["", "", "", "1.000 (no interval)"]
    assert others["glioma"][0] == "0.0 (no interval)"
    bootstrap = ClusterBootstrap(["p1", "p2"], "patient")
    alone = measure_segmentation(
        [CASES[0], SegmentationCase(64, 1)], ["glioma", "meningioma"], bootstrap, ("glioma", "meningioma")
    )
    assert alone is not None
    assert list(alone.per_class) == ["glioma"]


def test_a_run_that_segments_is_measured_on_its_test_masks(found: Evaluation, phantom_table: Table) -> None:
    with_mask = [s for s in phantom_table.subset("test").samples if s.mask]
    assert found.segmentation is not None
    assert found.segmentation.masks == len(with_mask) == 6
    assert found.segmentation.healthy == 2
    assert found.segmentation.overall["false_positives"].n == 8
    assert 0 < found.segmentation.overall["dice"].value < 1
    assert 0 < found.segmentation.overall["hd95"].value < np.hypot(64, 64)
    assert set(found.segmentation.per_class) == {"glioma", "meningioma", "pituitary", "no_tumor"}


def test_a_network_that_only_classifies_has_no_segmentation_metrics(finished_run: Run) -> None:
    assert evaluate(finished_run, n_resamples=100).to_dict()["segmentation"] is None


def test_data_without_masks_has_a_caveat_and_no_metric(segmentation_run: Run, tmp_path: Path) -> None:
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=7, size=48))
    bare = replace(table, samples=tuple(replace(s, mask=None) for s in table.samples))
    measured = evaluate(segmentation_run, table=bare, n_resamples=100)
    assert measured.segmentation is None
    assert any("No image has a reference mask" in text for text in measured.caveats)


def test_an_empty_mask_of_a_tumor_is_a_caveat_that_names_the_image(segmentation_run: Run, tmp_path: Path) -> None:
    from tests.fixtures import scans
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=7, size=48))
    first = next(s for s in table.samples if s.mask)
    empty = replace(first, mask=scans.save(tmp_path / "empty.png", np.zeros((48, 48), np.uint8)))
    table = replace(table, samples=tuple(empty if s.id == first.id else s for s in table.samples))
    measured = evaluate(segmentation_run, table=table, n_resamples=100)
    told = [text for text in measured.caveats if "are empty" in text]
    assert len(told) == 1
    assert told[0].startswith(
        "1 of 3 reference masks of images with a tumor are empty, the first is that of " + first.id
    )


def test_files_and_page_hold_the_same(found: Evaluation, segmentation_run: Run, tmp_path: Path) -> None:
    write_evaluation(segmentation_run, found, tmp_path, Record("evaluate"))
    drawn = json.loads((tmp_path / "evaluation.json").read_text())["segmentation"]
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    masked = [row for row in rows if row["dice"]]
    for name in ("dice", "iou", "hd95", "surface_dice"):
        mean = np.mean([float(row[name]) for row in masked])
        assert mean == pytest.approx(drawn["overall"][name]["value"], abs=1e-5)
    assert np.median([float(row["dice"]) for row in masked]) == pytest.approx(drawn["medians"]["all"]["dice"], abs=1e-5)
    assert [bool(row["dice"]) for row in rows] == [row["label"] != "no_tumor" for row in rows]
    assert all(float(row["iou"]) <= float(row["dice"]) for row in masked)
    hit, shown = (sum(int(row[name]) for row in masked) for name in ("lesions_detected", "lesions"))
    assert hit / shown == pytest.approx(drawn["overall"]["lesion_sensitivity"]["value"])
    false = [int(row["false_positives"]) for row in rows]
    assert np.mean(false) == pytest.approx(drawn["overall"]["false_positives"]["value"])
    assert (drawn["distance_unit"], drawn["tolerance"]) == ("pixels", 2)
    page = (tmp_path / "report.html").read_text()
    assert ">Segmentation<" in page
    for name, decimals in (("dice", 3), ("hd95", 1), ("surface_dice", 3), ("false_positives", 3)):
        assert f">{drawn['overall'][name]['value']:.{decimals}f} (" in page
    assert "within 2 pixels of the other (the files give no pixel spacing" in page
    assert "HD95 is the diagonal of the image" in page
    assert page.count("reference and predicted contour of a tumor") == 6


def test_a_network_trained_on_labels_alone_is_not_evaluated_on_masks(segmentation_run: Run) -> None:
    labels_only = replace(segmentation_run, record=segmentation_run.record.model_copy(update={"masks": None}))
    found = evaluate(labels_only, n_resamples=50)
    assert found.segmentation is None
    assert segmentation_run.segments
    assert not labels_only.segments
