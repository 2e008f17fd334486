"""open_table reads a file, a folder of a known layout, or NAME:FOLDER."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table, open_tables
from tumorlens.errors import DataError


def test_a_csv_file_is_read_as_a_table(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"p": 1})
    assert open_table(scans.raw(tmp_path / "mine.csv", b"image,label\np/0.png,a\n")).name == "mine"


def test_a_name_decides_if_several_layouts_fit(tmp_path: Path) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "mine", {"yes": 1, "no": 1})
    assert open_table(folder).name == "navoneel"
    assert open_table(f"folder:{folder}").name == "mine"


def test_a_path_may_contain_a_colon(tmp_path: Path) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "a:b", {"yes": 1, "no": 1})
    assert open_table(str(folder)).name == "navoneel"
    assert open_table(f"folder:{folder}").name == "a:b"


def test_the_notes_of_a_table_are_messages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "mine", {"a": 1})
    with caplog.at_level(logging.INFO, "tumorlens.datasets"):
        table = open_table(folder)
    assert table.notes
    assert caplog.messages == [f"note: {note}" for note in table.notes]


def test_a_relative_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_datasets.class_folders(tmp_path / "mine", {"a": 1}))
    assert open_table(".").name == "mine"


def test_the_home_folder_is_expanded_after_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    tiny_datasets.class_folders(tmp_path / "scans", {"yes": 1, "no": 1})
    assert open_table("navoneel:~/scans").name == "navoneel"


def test_files_of_an_unfinished_download_are_ignored(tmp_path: Path) -> None:
    tiny_datasets.figshare_mats(tmp_path)
    scans.raw(tmp_path / ".tumorlens-download" / "1.zip.part", b"half")
    scans.raw(tmp_path / ".DS_Store", b"x")
    assert len(open_table(tmp_path)) == len(tiny_datasets.FIGSHARE)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("nowhere", "no such file or folder"),
        ("figshar:nowhere", "no such file or folder"),
        ("figshare:nowhere", r"neither patients\.csv with images/ nor numbered \.mat"),
        ("nickparvar:nowhere", "no such folder"),
        ("navoneel:nowhere", "no images in no/ found"),
        ("no_tumor:nowhere", "no images in images/ found"),
        ("phantom:nowhere", r"no phantom\.csv found"),
        ("folder:nowhere", "no such folder"),
    ],
)
def test_a_missing_source_is_an_error_that_names_it(source: str, found: str) -> None:
    with assert_refused(DataError, file="nowhere$", found=found):
        open_table(source)


@pytest.mark.parametrize("source", ["nowhere", "figshar:nowhere"])
def test_the_error_for_a_missing_source_lists_the_known_datasets(source: str) -> None:
    with assert_refused(
        DataError, file=f"^{source}$", expected=r"^a table \(\.csv\), a folder, or NAME:FOLDER with .*figshare"
    ):
        open_table(source)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        open_table(tmp_path)
    assert error.value.found == "holds no known data set"
    assert "tumorlens data list" in str(error.value.advice)


def test_an_image_is_not_a_table(tmp_path: Path) -> None:
    with assert_refused(DataError, file=r"scan\.png$", found="is not a CSV file"):
        open_table(scans.save(tmp_path / "scan.png", scans.gray()))


def test_two_data_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = tiny_datasets.figshare_csv(tmp_path)
    with assert_refused(DataError, found="two data sets of one name"):
        open_tables([folder, f"figshare:{folder}"])
