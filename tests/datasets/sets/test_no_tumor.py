"""Images without a tumor, pooled with sets that have only tumors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, open_tables
from tumorlens.datasets.sets.no_tumor import read
from tumorlens.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tiny_datasets.class_folders(tmp_path / "none", {"images": 3}) / "images.csv").write_text(
        "file,copies_in_nickparvar\n"
    )
    return tmp_path / "none"


def test_the_set_has_one_class(folder: Path) -> None:
    table = open_table(folder)
    assert table.name == "no_tumor"
    assert table.classes == ("no_tumor",)
    assert [s.id for s in table.samples] == ["no_tumor/0.png", "no_tumor/1.png", "no_tumor/2.png"]


def test_it_is_the_fourth_class_when_pooled_with_figshare(folder: Path, tmp_path: Path) -> None:
    table = open_tables([tiny_datasets.figshare_csv(tmp_path / "figshare"), folder])
    assert table.name == "figshare+no_tumor"
    assert table.classes == ("glioma", "meningioma", "pituitary", "no_tumor")
    assert sum(s.group is None for s in table.samples) == 3
    assert any("no patient ids" in note for note in table.notes)


@pytest.mark.parametrize("counts", [{}, {"images": 0}])
def test_a_missing_or_empty_folder_is_refused(tmp_path: Path, counts: dict[str, int]) -> None:
    with assert_refused(DataError, found="no images in images/ found"):
        read(tiny_datasets.class_folders(tmp_path, counts))


def test_images_that_are_ct_or_may_show_a_tumor_are_left_out_and_counted(folder: Path) -> None:
    for name in ("Te-noTr_0000.jpg", "Tr-no_0465.jpg", "Tr-no_1410.jpg"):
        (folder / "images" / name).write_bytes((folder / "images" / "0.png").read_bytes())
    table = read(folder)
    assert len(table) == 3
    assert "no_tumor: 1 images left out: CT, not MRI" in table.notes
    assert "no_tumor: 2 images left out: may be a tumor" in table.notes
