"""Nickparvar's set: its own split, its own class order, and a warning that goes with every result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tumorlens.datasets import open_table
from tumorlens.datasets.sets.nickparvar import DATASET, read
from tumorlens.errors import DataError

LAYOUT = {
    f"{part}/{name}": n
    for part, n in (("Training", 3), ("Testing", 1))
    for name in ("glioma", "meningioma", "notumor", "pituitary")
}


def test_the_official_split_and_class_order(tmp_path: Path) -> None:
    table = open_table(tiny_datasets.class_folders(tmp_path, LAYOUT))
    assert table.name == "nickparvar"
    assert table.classes == ("glioma", "meningioma", "pituitary", "no_tumor")
    assert len(table.subset("train")) == 12
    assert len(table.subset("test")) == 4
    assert table.samples[0].id == "nickparvar/Testing/glioma/0.png"


def test_a_part_without_pituitary_does_not_shift_no_tumor(tmp_path: Path) -> None:
    counts = {name: n for name, n in LAYOUT.items() if name != "Testing/pituitary"}
    assert set(read(tiny_datasets.class_folders(tmp_path, counts)).subset("test").labels) == {0, 1, 3}


def test_results_will_say_that_no_patient_is_known(tmp_path: Path) -> None:
    assert read(tiny_datasets.class_folders(tmp_path, LAYOUT)).notes == ("nickparvar: no patient ids",)


def test_the_card_says_that_the_official_split_leaks() -> None:
    assert any("copy in Training" in problem for problem in DATASET.card.problems)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"Training/cat": 1, "Testing/dog": 1})
    with pytest.raises(DataError, match=r"class folders \['cat', 'dog'\] found; expected \['glioma'"):
        read(tmp_path)
