"""Nickparvar's set: official split, fixed class order, and the note that every result repeats."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table
from tumorlens.datasets.sets.nickparvar import DATASET, read
from tumorlens.errors import DataError

LAYOUT = {
    f"{subset}/{name}": n
    for subset, n in (("Training", 3), ("Testing", 1))
    for name in ("glioma", "meningioma", "notumor", "pituitary")
}


def test_the_official_split_and_class_order(tmp_path: Path) -> None:
    table = open_table(tiny_datasets.class_folders(tmp_path, LAYOUT))
    assert table.name == "nickparvar"
    assert table.classes == ("glioma", "meningioma", "pituitary", "no_tumor")
    assert len(table.subset("train")) == 12
    assert len(table.subset("test")) == 4
    assert table.samples[0].id == "nickparvar/Testing/glioma/0.png"


def test_a_subset_without_pituitary_does_not_shift_the_labels(tmp_path: Path) -> None:
    counts = {name: n for name, n in LAYOUT.items() if name != "Testing/pituitary"}
    assert set(read(tiny_datasets.class_folders(tmp_path, counts)).subset("test").labels) == {0, 1, 3}


def test_the_notes_state_that_there_are_no_patient_ids(tmp_path: Path) -> None:
    assert read(tiny_datasets.class_folders(tmp_path, LAYOUT)).notes == ("nickparvar: no patient ids",)


def test_the_card_states_that_the_official_split_leaks() -> None:
    assert any("near-duplicate in Training" in problem for problem in DATASET.card.problems)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    tiny_datasets.class_folders(tmp_path, {"Training/cat": 1, "Testing/dog": 1})
    with assert_refused(DataError, found=r"class folders \['cat', 'dog'\] found", expected=r"\['glioma'"):
        read(tmp_path)
