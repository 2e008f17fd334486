"""What the user names becomes a table: a file, a folder of a known layout, or NAME:FOLDER."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tumorlens.datasets import DATASETS, dataset, open_table, open_tables
from tumorlens.errors import DataError


def test_a_csv_file_is_a_table(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"p": 1})
    assert open_table(scans.raw(tmp_path / "mine.csv", b"image,label\np/0.png,a\n")).name == "mine"


def test_a_name_decides_where_a_layout_fits_several(tmp_path: Path) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "mine", {"yes": 1, "no": 1})
    assert open_table(folder).name == "navoneel"
    assert open_table(f"folder:{folder}").name == "mine"


def test_a_path_may_hold_a_colon(tmp_path: Path) -> None:
    folder = tiny_datasets.class_folders(tmp_path / "a:b", {"yes": 1, "no": 1})
    assert open_table(str(folder)).name == "navoneel"
    assert open_table(f"folder:{folder}").name == "a:b"


def test_a_relative_path_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_datasets.class_folders(tmp_path / "mine", {"a": 1}))
    assert open_table(".").name == "mine"


def test_home_is_understood_behind_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    tiny_datasets.class_folders(tmp_path / "scans", {"yes": 1, "no": 1})
    assert open_table("navoneel:~/scans").name == "navoneel"


def test_leftovers_of_a_download_change_nothing(tmp_path: Path) -> None:
    tiny_datasets.figshare_mats(tmp_path)
    scans.raw(tmp_path / ".tumorlens-download" / "1.zip.part", b"half")
    scans.raw(tmp_path / ".DS_Store", b"x")
    assert len(open_table(tmp_path)) == len(tiny_datasets.FIGSHARE)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere", r"nowhere: no such file or folder; expected a table \(\.csv\), a folder, or NAME:FOLDER"),
        ("figshar:nowhere", r"figshar:nowhere: no such file .* NAME of \['figshare', "),
        ("figshare:nowhere", r"nowhere: neither patients\.csv with images/ nor numbered \.mat"),
        ("nickparvar:nowhere", r"nowhere: no such folder"),
        ("navoneel:nowhere", r"nowhere: no images in no/ found"),
        ("no_tumor:nowhere", r"nowhere: no images in images/ found"),
        ("phantom:nowhere", r"nowhere: no phantom\.csv found"),
        ("folder:nowhere", r"nowhere: no such folder"),
    ],
)
def test_what_is_not_there_is_named(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_table(source)


def test_an_empty_folder_holds_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no data set known here; .*tumorlens data list"):
        open_table(tmp_path)


def test_a_image_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"scan\.png: is no CSV file"):
        open_table(scans.save(tmp_path / "scan.png", scans.gray()))


def test_one_set_twice_is_refused(tmp_path: Path) -> None:
    folder = tiny_datasets.figshare_csv(tmp_path)
    with pytest.raises(DataError, match=r"two data sets of one name"):
        open_tables([folder, f"figshare:{folder}"])


def test_a_misspelled_name_gets_the_nearest_right_one() -> None:
    assert dataset("navoneel") is DATASETS["navoneel"]
    with pytest.raises(DataError, match=r"no data set is called 'nickpavar'; did you mean nickparvar\?"):
        dataset("nickpavar")
    with pytest.raises(DataError, match=r"'qqq'; expected one of \['figshare', "):
        dataset("qqq")


@pytest.mark.parametrize("name", DATASETS)
def test_every_card_is_complete(name: str) -> None:
    card = DATASETS[name].card
    assert card.name == name
    for fact in (card.summary, card.format, card.layout, card.license, card.citation):
        assert fact
    assert card.problems
    assert DATASETS[name].get is None or card.homepage.startswith("https://")
