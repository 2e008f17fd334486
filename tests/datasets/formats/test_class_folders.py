"""Class folders with and without split folders, in any letter case; labels do not depend on the split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, open_tables
from tumorlens.datasets.formats.class_folders import class_name, image_files, read
from tumorlens.errors import DataError


def test_class_folders_without_split_folders(tmp_path: Path) -> None:
    table = read(tiny_datasets.class_folders(tmp_path / "scans", {"glioma": 2, "No Tumor": 1}))
    assert table.name == "scans"
    assert table.classes == ("glioma", "no_tumor")
    assert [s.id for s in table.samples] == ["scans/No Tumor/0.png", "scans/glioma/0.png", "scans/glioma/1.png"]
    assert all(s.split is None and s.group is None for s in table.samples)
    assert table.notes == ("scans: no patient ids; every image counts as its own patient",)


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("train", "val", "test"), ("Training", "Validation", "Testing"), ("TRAIN", "valid", "Test")],
)
def test_split_folders_have_several_names(tmp_path: Path, train: str, val: str, test: str) -> None:
    table = read(
        tiny_datasets.class_folders(tmp_path, {f"{train}/a": 3, f"{train}/b": 1, f"{val}/a": 1, f"{test}/b": 2})
    )
    assert Counter((s.split, s.label) for s in table.samples) == {
        ("train", "a"): 3,
        ("train", "b"): 1,
        ("val", "a"): 1,
        ("test", "b"): 2,
    }


def test_a_split_that_lacks_a_class_does_not_shift_the_labels(tmp_path: Path) -> None:
    table = read(
        tiny_datasets.class_folders(tmp_path, {"train/a": 1, "train/b": 1, "train/c": 1, "test/b": 1, "test/c": 2})
    )
    assert table.subset("test").classes == ("a", "b", "c")
    assert table.subset("test").labels == [1, 2, 2]


def test_a_class_that_is_only_in_test_keeps_its_label(tmp_path: Path) -> None:
    table = read(tiny_datasets.class_folders(tmp_path, {"train/b": 1, "train/c": 1, "test/a": 1}))
    assert table.subset("train").labels == [1, 2]


def test_equal_file_names_in_several_folders_are_several_samples(tmp_path: Path) -> None:
    table = read(tiny_datasets.class_folders(tmp_path, {"train/a": 1, "train/b": 1, "test/a": 1, "Test/a": 1}))
    assert len({s.id for s in table.samples}) == 4


@pytest.mark.parametrize("name", ["no_tumor", "notumor", "No Tumor", "no-tumor", "NO_TUMOR", "no tumour", "notumour"])
def test_all_spellings_of_no_tumor_are_one_class(name: str) -> None:
    assert class_name(name) == "no_tumor"


def test_two_spellings_of_a_class_are_one_class(tmp_path: Path) -> None:
    table = read(tiny_datasets.class_folders(tmp_path, {"train/Glioma": 1, "train/x": 1, "test/glioma ": 1}))
    assert table.classes == ("glioma", "x")


def test_files_that_are_not_images_are_skipped(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"a": 1, "b": 1, "empty": 0, ".tumorlens-download": 2})
    for name in (".DS_Store", "._0.png", "notes.txt", "Thumbs.db"):
        scans.raw(tmp_path / "a" / name, b"no image")
        scans.raw(tmp_path / name, b"no image")
    (tmp_path / "a" / "folder.png").mkdir()
    table = read(tmp_path)
    assert [Path(s.id).name for s in table.samples] == ["0.png", "0.png"]
    assert table.classes == ("a", "b")


def test_extensions_are_recognized_in_any_letter_case(tmp_path: Path) -> None:
    for name in ("1.PNG", "2.Jpeg", "3.JPG", "4.tif", "5.BMP", "6.mat", "7.txt"):
        scans.raw(tmp_path / name, b"x")
    assert [p.name for p in image_files(tmp_path)] == ["1.PNG", "2.Jpeg", "3.JPG", "4.tif", "5.BMP", "6.mat"]


def test_split_folders_beside_class_folders_are_refused(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"train/a": 1, "glioma": 1})
    with pytest.raises(DataError) as error:
        open_table(tmp_path)
    assert error.value.file == str(tmp_path)
    assert error.value.found == "split folders ['train'] and class folders ['glioma'] side by side"


def test_split_folders_without_images_are_an_error_with_the_expected_layout(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"train/a": 0, "test/a": 0})
    with pytest.raises(DataError) as error:
        open_table(tmp_path)
    assert error.value.found == "no images in class folders found"
    assert error.value.expected.startswith("<class>/*.png or <train|val|test>/<class>/*.png")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with assert_refused(
        DataError, file="nowhere$", found="no such folder", expected="one that holds a folder for each class$"
    ):
        read(tmp_path / "nowhere")


def test_two_folders_can_be_pooled(tmp_path: Path) -> None:
    counts = {"a": 2, "b": 2}
    both = open_tables([tiny_datasets.class_folders(tmp_path / name, counts) for name in ("here", "there")])
    assert len(both) == 8
    assert both.name == "here+there"
