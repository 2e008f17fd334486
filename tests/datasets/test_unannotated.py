"""Images without annotation: an error, left out, or images without tumor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import coco
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, open_tables, read_sample_mask, write_table
from tumorlens.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    coco.export(tmp_path / "mine", {"1.png": [1], "2.png": [], "3.png": [2]})
    return tmp_path / "mine"


def test_unannotated_images_are_an_error_by_default(folder: Path) -> None:
    fields = {
        "found": "mine: 1 of 3 images have no annotation",
        "advice": r"\(--unannotated ignore\).*\(--unannotated negative\)$",
    }
    with assert_refused(DataError, **fields):
        open_table(folder)
    with assert_refused(DataError, **fields):
        open_tables([folder])


def test_unannotated_images_can_be_left_out(folder: Path) -> None:
    table = open_table(folder, unannotated="ignore")
    assert [s.label for s in table.samples] == ["glioma", "meningioma"]
    assert table.classes == ("glioma", "meningioma")
    assert "mine: 1 of 3 images without annotation left out, on request (unannotated: ignore)" in table.notes


def test_unannotated_images_can_count_as_images_without_tumor(folder: Path) -> None:
    table = open_table(folder, unannotated="negative")
    assert [s.label for s in table.samples] == ["glioma", "no_tumor", "meningioma"]
    assert set(table.classes) == {"glioma", "meningioma", "no_tumor"}
    empty = read_sample_mask(table.samples[1])
    assert empty is not None
    assert not empty.any()
    assert (
        "mine: 1 of 3 images without annotation counted as no_tumor, on request (unannotated: negative)" in table.notes
    )


def test_unannotated_images_can_be_kept_for_an_audit(folder: Path) -> None:
    assert [s.label for s in open_table(folder, unannotated="keep").samples] == ["glioma", "unannotated", "meningioma"]


def test_unannotated_images_of_a_written_table_are_resolved_again(folder: Path, tmp_path: Path) -> None:
    written = write_table(open_table(folder, unannotated="keep"), tmp_path / "clean.csv")
    with assert_refused(DataError, found="1 of 3 images have no annotation"):
        open_table(written)
    assert len(open_table(written, unannotated="ignore")) == 2


def test_a_table_without_unannotated_images_is_unchanged(tmp_path: Path) -> None:
    coco.export(tmp_path / "mine", {"1.png": [1]})
    kept = open_table(tmp_path / "mine", unannotated="keep")
    for how in ("error", "ignore", "negative"):
        assert open_table(tmp_path / "mine", unannotated=how) == kept  # type: ignore[arg-type]


def test_other_values_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"unannotated='drop'; expected one of \['error', 'ignore'"):
        open_table(folder, unannotated="drop")  # type: ignore[arg-type]


def test_unannotated_images_join_an_existing_class_without_tumor(folder: Path) -> None:
    categories = [{"id": 1, "name": "Glioma"}, {"id": 2, "name": "No Tumor"}]
    coco.export(folder, {"1.png": [1], "2.png": [], "3.png": [2]}, categories=categories)
    table = open_table(folder, unannotated="negative")
    assert sorted(table.classes) == ["glioma", "no_tumor"]
    assert replace(table, classes=("no_tumor", "glioma")).labels == [1, 0, 0]
    assert [int(np.count_nonzero(read_sample_mask(s))) > 0 for s in table.samples] == [True, False, False]
