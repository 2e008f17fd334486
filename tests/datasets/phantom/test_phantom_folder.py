"""A folder of phantoms is a balanced data set, and complete or absent."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, make
from tumorlens.errors import DataError


def test_make_writes_a_balanced_data_set_with_masks_and_an_index(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    folder = make(tmp_path / "set", patients=12, slices=2, size=48, progress=lambda *p: seen.append(p))
    assert folder == tmp_path / "set"
    assert seen == [("generating phantoms", i, 12) for i in range(1, 13)]
    rows = list(csv.DictReader((folder / "phantom.csv").open(newline="")))
    assert list(rows[0]) == ["image", "mask", "label", "patient", "plane"]
    assert len(rows) == 24
    for label in PHANTOM_CLASSES:
        of_class = [r for r in rows if r["label"] == label]
        assert sorted(r["plane"] for r in of_class) == sorted(PLANES * 2)
        assert len({r["patient"] for r in of_class}) == 3
    for row in rows:
        assert Image.open(folder / row["image"]).mode == "L"
        assert (row["mask"] == "") == (row["label"] == "no_tumor")
        if row["mask"]:
            assert set(np.unique(np.asarray(Image.open(folder / row["mask"])))) == {0, 255}
    assert len(list((folder / "masks").iterdir())) == 18
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_make_twice_gives_the_same_files(tmp_path: Path) -> None:
    first, again = (make(tmp_path / name, patients=4, slices=1, seed=3) for name in "ab")
    names = sorted(p.relative_to(first) for p in first.rglob("*.*"))
    assert all((first / n).read_bytes() == (again / n).read_bytes() for n in names)


def test_make_refuses_a_folder_with_files_and_accepts_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("mine")
    with assert_refused(DataError, file="used$", expected="a new or an empty folder", advice="choose another"):
        make(tmp_path / "used", patients=1)
    (tmp_path / "empty").mkdir()
    assert (make(tmp_path / "empty", patients=1, slices=1, size=48) / "phantom.csv").is_file()


def test_an_interrupted_make_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "set", patients=2, slices=1, size=48, progress=stop)
    assert list(tmp_path.iterdir()) == []
