"""Predicted masks are measured on the masks of the test images, and the page shows good and bad ones."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens._record import Record
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation import Evaluation, evaluate, write_evaluation
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.page.segmentation_section import segmentation_section
from tumorlens.metrics.overlap import segmentation_case
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.report import render_blocks
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run


@pytest.fixture(scope="module")
def found(segmentation_run: Run) -> Evaluation:
    return evaluate(segmentation_run, n_resamples=100)


def shown_section(folder: Path, shifts: list[int], patients: list[str], base: Evaluation) -> str:
    """The section of made images: a prediction is the reference mask, shifted to the right by some pixels.

    Args:
        folder: for the images and masks.
        shifts: of each prediction; with 99 the reference mask is empty.
        patients: of each image.
        base: an evaluation, for what the section does not show.
    """
    samples, masks, cases = [], [], []
    for i, (shift, patient) in enumerate(zip(shifts, patients, strict=True)):
        reference, predicted = np.zeros((2, 48, 64), np.uint8)
        predicted[:20, shift % 48 : shift % 48 + 16] = 1  # it touches the border of the image
        if shift < 99:
            reference[:20, :16] = 1
        image = scans.save(folder / f"{i}.png", np.full((48, 64), 90, np.uint8))
        mask = scans.save(folder / f"{i}-mask.png", reference * np.uint8(255))
        samples.append(Sample(f"made/{i}", image, "glioma", mask=mask, group=patient))
        masks.append(PackedMask.of(predicted))
        cases.append(segmentation_case(predicted, reference))
    found = measure_segmentation(cases, ["glioma"] * len(cases), ClusterBootstrap(patients, "patient"), ("glioma",))
    assert found is not None
    probabilities = np.tile(np.eye(4)[0], (len(samples), 1))
    evaluation = replace(base, samples=tuple(samples), masks=masks, segmentation=found, probabilities=probabilities)
    return render_blocks(segmentation_section(evaluation, found).blocks)


def dice_below(title: str, section: str) -> list[float]:
    """The Dice of the images that follow a line, in their order."""
    part = section.partition(f"{title}:")[2].partition("<p")[0]
    return [float(value) for value in re.findall(r'contour of a tumor, Dice ([\d.]+)"', part)]


def test_the_best_the_median_and_the_worst_cases_are_shown_with_no_patient_twice(
    found: Evaluation, tmp_path: Path
) -> None:
    shifts, patients = [*range(12), 14, 99], [f"p{i // 2}" for i in range(14)]
    section = shown_section(tmp_path, shifts, patients, found)
    assert dice_below("The best", section) == [1.0, 0.88, 0.75]  # of shifts 0, 2 and 4: one of each patient
    worst = dice_below("The worst", section)
    assert worst == sorted(worst)
    assert worst[0] == 0.12
    median = dice_below("Around the median", section)
    assert len(median) == 3
    assert max(worst) < min(median) < max(median) < 0.75
    assert "made/13" not in section  # its reference mask is empty


def test_few_cases_are_shown_together(found: Evaluation, tmp_path: Path) -> None:
    section = shown_section(tmp_path, [4, 0, 8], ["p0", "p1", "p2"], found)
    assert dice_below("All cases, the best first", section) == [1.0, 0.75, 0.5]
    assert "The worst" not in section


def test_without_a_tumor_in_a_reference_mask_no_case_is_shown(found: Evaluation, tmp_path: Path) -> None:
    section = shown_section(tmp_path, [99, 99], ["p0", "p1"], found)
    assert "Of 2 reference masks 2 are empty" in section
    assert "contour of a tumor" not in section
    assert "Left: the image." not in section


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
        assert f">{drawn['overall'][name]['value']:.{decimals}f}<wbr> (" in page
    assert "within 2 pixels of the other (the files give no pixel spacing" in page
    assert "HD95 is the diagonal of the image" in page
    assert page.count("reference and predicted contour of a tumor") == 6


def test_a_network_trained_on_labels_alone_is_not_evaluated_on_masks(segmentation_run: Run) -> None:
    labels_only = replace(segmentation_run, record=segmentation_run.record.model_copy(update={"masks": None}))
    found = evaluate(labels_only, n_resamples=50)
    assert found.segmentation is None
    assert segmentation_run.segments
    assert not labels_only.segments
