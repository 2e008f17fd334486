"""Masks are measured picture by picture at the picture's own size, averaged, and resampled by patient."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation import Drawing, Evaluation, compare_mask, evaluate, measure_masks, write_evaluation
from tumorlens.record import Record
from tumorlens.training import Run

CLASSES = ("glioma", "no_tumor")


@pytest.fixture(scope="module")
def found(drawing_run: Run) -> Evaluation:
    return evaluate(drawing_run, resamples=100)


def sample(folder: Path, mask: np.ndarray | None, name: str = "a") -> Sample:
    """A picture of 8 x 8 pixels and its mask."""
    image = scans.save(folder / f"{name}.png", np.zeros((8, 8), np.uint8))
    path = None if mask is None else scans.save(folder / f"{name}_mask.png", mask * np.uint8(255))
    return Sample(f"x/{name}", image, "glioma", path, group=f"x:{name}")


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((8, 8), np.uint8)
    mask[rows, columns] = 1
    return mask


def test_a_drawing_that_covers_half_is_counted_by_hand(tmp_path: Path) -> None:
    true, drawn = box(slice(0, 4), slice(0, 4)), box(slice(2, 6), slice(0, 4))
    one = compare_mask(sample(tmp_path, true), drawn)
    assert (one.pixels, one.drawn, one.true, one.both) == (64, 16, 16, 8)
    assert one.dice == pytest.approx(2 * 8 / 32)
    assert one.iou == pytest.approx(8 / 24)
    assert one.mean_iou == pytest.approx((8 / 24 + 40 / 56) / 2)


@pytest.mark.parametrize(("true", "drawn", "dice"), [(0, 0, 1), (0, 5, 0), (5, 0, 0)])
def test_two_empty_masks_agree_and_one_empty_mask_does_not(true: int, drawn: int, dice: float) -> None:
    one = Drawing(64, drawn, true)
    assert (one.dice, one.iou) == (dice, dice)
    assert one.mean_iou == (1 if dice else pytest.approx((59 / 64) / 2))


def test_a_picture_without_a_mask_does_not_count(tmp_path: Path) -> None:
    one = compare_mask(sample(tmp_path, None), box(slice(0, 4), slice(0, 4)))
    assert one.true is None
    assert np.isnan([one.dice, one.iou, one.mean_iou]).all()


def test_figures_are_means_over_the_pictures_with_a_mask_with_intervals_by_patient() -> None:
    drawings = [Drawing(64, 4, 4, 4), Drawing(64, 4, 4, 0), Drawing(64, 4, 12, 4), Drawing(64, 0, 0), Drawing(64, 3)]
    labels = ["glioma", "glioma", "glioma", "no_tumor", "no_tumor"]
    samples = [Sample(f"x/{i}", Path(f"{i}.png"), label) for i, label in enumerate(labels)]
    units = ["p1", "p1", "p2", "p3", "p4"]
    measured = measure_masks(drawings, samples, units, "patient", CLASSES, resamples=200)
    assert measured is not None
    dice = measured.overall["dice"]
    assert dice.value == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert (dice.n, dice.units, dice.unit, dice.method) == (4, 3, "patient", "bootstrap")
    assert measured.per_class["glioma"]["dice"].value == pytest.approx(0.5)
    assert measured.per_class["glioma"]["dice"].n == 3
    assert measured.per_class["no_tumor"]["iou"].value == 1
    assert (measured.masks, measured.empty, measured.missed) == (4, 1, 1)
    assert (measured.healthy, measured.healthy_drawn) == (1, 1)


def test_without_any_mask_there_are_no_figures() -> None:
    samples = [Sample("x/1", Path("1.png"), "glioma")]
    assert measure_masks([Drawing(64, 4)], samples, ["p1"], "patient", CLASSES) is None


def test_a_class_without_a_mask_has_no_row() -> None:
    samples = [Sample("x/1", Path("1.png"), "glioma"), Sample("x/2", Path("2.png"), "no_tumor")]
    drawings = [Drawing(64, 4, 4, 4), Drawing(64, 0)]
    measured = measure_masks(drawings, samples, ["p1", "p2"], "patient", CLASSES, resamples=100)
    assert measured is not None
    assert list(measured.per_class) == ["glioma"]


def test_a_run_that_segments_is_measured_on_the_masks_of_its_test_part(found: Evaluation, phantom_table: Table) -> None:
    with_mask = [s for s in phantom_table.part("test").samples if s.mask]
    assert found.segmentation is not None
    assert found.segmentation.masks == len(with_mask) == 6
    assert found.segmentation.healthy == 2
    assert 0 < found.segmentation.overall["dice"].value < 1
    assert set(found.segmentation.per_class) == {"glioma", "meningioma", "pituitary"}


def test_a_network_that_only_names_has_no_such_figures(finished_run: Run) -> None:
    assert evaluate(finished_run, resamples=100).to_dict()["segmentation"] is None


def test_data_without_masks_is_a_caution_and_no_figure(drawing_run: Run, tmp_path: Path) -> None:
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=7, size=48))
    bare = replace(table, samples=tuple(replace(s, mask=None) for s in table.samples))
    measured = evaluate(drawing_run, table=bare, resamples=100)
    assert measured.segmentation is None
    assert any("No picture has a mask" in text for text in measured.cautions)


def test_files_and_page_tell_the_same(found: Evaluation, drawing_run: Run, tmp_path: Path) -> None:
    write_evaluation(drawing_run, found, tmp_path, Record("evaluate"))
    drawn = json.loads((tmp_path / "evaluation.json").read_text())["segmentation"]
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    measured = [float(row["dice"]) for row in rows if row["dice"]]
    assert np.mean(measured) == pytest.approx(drawn["overall"]["dice"]["value"], abs=1e-5)
    assert [bool(row["dice"]) for row in rows] == [row["label"] != "no_tumor" for row in rows]
    assert all(float(row["iou"]) <= float(row["dice"]) for row in rows if row["dice"])
    page = (tmp_path / "report.html").read_text()
    assert "How well it draws" in page
    assert f"{drawn['overall']['dice']['value']:.3f}" in page
    assert page.count("true and drawn outline of a tumour") == 6


def test_a_network_trained_on_labels_alone_is_not_asked_for_masks(drawing_run: Run) -> None:
    labels_only = replace(drawing_run, record={**drawing_run.record, "masks": None})
    found = evaluate(labels_only, resamples=50)
    assert found.segmentation is None
    assert drawing_run.draws
    assert not labels_only.draws
