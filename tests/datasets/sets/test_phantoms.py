"""Phantom folders: the folder that `make` writes is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table
from tumorlens.datasets.phantom import PHANTOM_CLASSES, make
from tumorlens.datasets.sets.phantoms import read
from tumorlens.errors import DataError
from tumorlens.scan import read_mask


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "phantoms", patients=4, slices=2, size=64)


def test_a_phantom_folder_is_recognized_with_patients_and_masks(folder: Path) -> None:
    table = open_table(folder)
    assert table.name == "phantom"
    assert table.classes == PHANTOM_CLASSES
    assert len(table) == 8
    assert table.has_patients
    assert len({s.group for s in table.samples}) == 4
    assert {s.label for s in table.samples if s.mask is None} == {"no_tumor"}
    assert all(read_mask(s.mask).any() for s in table.samples if s.mask)


def test_the_notes_state_that_the_images_are_synthetic(folder: Path) -> None:
    assert any("synthetic images" in note for note in read(folder).notes)


def test_a_missing_image_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "phantom.csv").write_text("image,mask,label,patient\nimages/1.png,,glioma,p1\n")
    with assert_refused(DataError, file=r"phantom\.csv$", line=2, found=r"1\.png does not exist"):
        read(tmp_path)


def test_another_folder_is_an_error_with_the_command_that_makes_phantoms(tmp_path: Path) -> None:
    with assert_refused(DataError, found=r"no phantom\.csv found", advice="make phantoms with: tumorlens data phantom"):
        read(tmp_path)
