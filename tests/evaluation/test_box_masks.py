"""Bounding boxes in place of contours are refused, counted, before anything is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample, Table, open_table
from tumorlens.datasets.phantom import make
from tumorlens.errors import DataError, ScanError
from tumorlens.evaluation import evaluate
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.training import Run

BOX = np.zeros((24, 32), np.uint8)
BOX[4:14, 6:20] = 255
OUTLINE = BOX.copy()
OUTLINE[4, 6:8] = 0


def samples(folder: Path, *masks: np.ndarray | None) -> list[Sample]:
    found = []
    for i, mask in enumerate(masks):
        image = scans.save(folder / f"{i}.png", scans.GRAY)
        path = None if mask is None else scans.save(folder / "masks" / f"{i}.png", mask)
        found.append(Sample(f"x/{i}", image, "glioma", path))
    return found


def boxed(folder: Path) -> Table:
    """Phantoms whose outlines were replaced by the boxes around them."""
    table = open_table(make(folder / "set", patients=4, slices=1, seed=7, size=48))
    boxes = []
    for i, sample in enumerate(table.samples):
        if sample.mask is None:
            boxes.append(sample)
            continue
        box = np.zeros((48, 48), np.uint8)
        box[10:20, 10 : 22 + i] = 1
        boxes.append(replace(sample, mask=scans.save(folder / "boxes" / f"{i}.png", box)))
    return replace(table, samples=tuple(boxes))


def test_most_boxes_are_refused_in_one_line_with_advice(tmp_path: Path) -> None:
    with assert_refused(DataError) as raised:
        refuse_box_masks("export", samples(tmp_path, BOX, OUTLINE, BOX, BOX * 0, None))
    error = raised.value
    assert error.found == "export: 2 of 3 reference masks that show a tumor are filled rectangles"
    assert "--reference-masks figshare:FOLDER" in str(error.advice)
    assert "--allow-box-masks" in str(error.advice)


def too_many_boxes(found: list[Sample]) -> bool:
    try:
        refuse_box_masks("export", found)
    except DataError:
        return True
    return False


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ((BOX, OUTLINE), False),
        ((OUTLINE, OUTLINE, BOX), False),
        ((BOX * 0,), False),
        ((None, None), False),
        ((), False),
        ((BOX, OUTLINE, BOX), True),
        ((BOX, BOX * 0, None), True),
    ],
)
def test_more_than_half_of_those_that_show_a_tumor_must_be_boxes(masks: tuple, expected: bool, tmp_path: Path) -> None:
    assert too_many_boxes(samples(tmp_path, *masks)) is expected


def test_reading_stops_where_boxes_can_no_longer_be_most(tmp_path: Path) -> None:
    found = samples(tmp_path, OUTLINE, OUTLINE, BOX, BOX)
    found[2].mask.unlink()
    assert not too_many_boxes(found)  # or the missing file would be an error
    with pytest.raises(ScanError):
        too_many_boxes(found[2:])


def test_a_run_is_measured_against_boxes_only_on_request(segmentation_run: Run, tmp_path: Path) -> None:
    table = boxed(tmp_path)
    with assert_refused(
        DataError, found="phantom, all: 3 of 3 reference masks that show a tumor are filled rectangles"
    ):
        evaluate(segmentation_run, table=table, n_resamples=100)
    found = evaluate(segmentation_run, table=table, allow_box_masks=True, n_resamples=100)
    assert found.segmentation is not None
    assert found.segmentation.boxes == 3
    assert any("bounding boxes, not contours" in text for text in found.caveats)


def test_a_network_that_only_classifies_is_measured_whatever_the_masks_are(finished_run: Run, tmp_path: Path) -> None:
    assert evaluate(finished_run, table=boxed(tmp_path), n_resamples=100).metrics.overall["accuracy"].n == 4
