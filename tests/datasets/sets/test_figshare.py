"""The Figshare set: the original .mat files and the CSV layout give the same table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table, open_table
from tumorlens.datasets.sets.figshare import CLASSES, patient_group, read
from tumorlens.errors import DataError, ScanError
from tumorlens.scan import read_mask, read_scan


def facts(table: Table) -> list[tuple[str, str, str | None]]:
    return [(s.id, s.label, s.group) for s in table.samples]


EXPECTED = sorted(
    (f"figshare/{number}", label, f"figshare:{group}")
    for number, (_, label, _, group) in tiny_datasets.FIGSHARE.items()
)


def test_the_csv_layout_is_read(tmp_path: Path) -> None:
    table = read(tiny_datasets.figshare_csv(tmp_path))
    assert facts(table) == EXPECTED
    assert table.classes == CLASSES
    assert all(s.mask and (read_mask(s.mask) == scans.MASK).all() for s in table.samples)


def test_the_original_mat_files_give_the_same_table(tmp_path: Path) -> None:
    table = read(tiny_datasets.figshare_mats(tmp_path))
    assert facts(table) == EXPECTED
    assert table.classes == CLASSES
    for sample in table.samples:
        assert sample.mask is not None
        assert (read_mask(sample.mask) == scans.MASK).all()
        assert read_scan(sample.image).size == (scans.HEIGHT, scans.WIDTH)


def test_the_patient_group_is_derived_from_the_id_if_its_column_is_missing(tmp_path: Path) -> None:
    assert facts(read(tiny_datasets.figshare_csv(tmp_path, groups=False))) == EXPECTED


def test_both_layouts_are_recognized(tmp_path: Path) -> None:
    assert open_table(tiny_datasets.figshare_csv(tmp_path / "csv")).name == "figshare"
    assert open_table(tiny_datasets.figshare_mats(tmp_path / "mat")).name == "figshare"


@pytest.mark.parametrize(
    ("patient_id", "group"),
    [
        ("MR040240B", "MR040240"),
        ("MR040240", "MR040240"),
        ("100360", "100360"),
        ("100360A", "100360"),
        ("AB", "AB"),
        ("MR1AB", "MR1AB"),
    ],
)
def test_a_letter_after_the_digits_marks_another_study_of_the_same_patient(patient_id: str, group: str) -> None:
    assert patient_group(patient_id) == group


def test_a_slice_without_a_mask_file_has_none(tmp_path: Path) -> None:
    (tiny_datasets.figshare_csv(tmp_path) / "masks" / "2.png").unlink()
    assert [s.id for s in read(tmp_path).samples if s.mask is None] == ["figshare/2"]


def test_a_missing_image_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tiny_datasets.figshare_csv(tmp_path) / "images" / "10.jpg").unlink()
    with assert_refused(DataError, file=r"patients\.csv$", line=4, found=r"10\.jpg does not exist"):
        read(tmp_path)


def test_a_slice_without_a_patient_is_refused(tmp_path: Path) -> None:
    index = tiny_datasets.figshare_csv(tmp_path, groups=False) / "patients.csv"
    index.write_text(index.read_text().replace("MR040240B", ""))
    with assert_refused(DataError, line=4, found="slice 10 has no patient_id"):
        read(tmp_path)


def test_an_index_without_a_required_column_is_refused(tmp_path: Path) -> None:
    index = tiny_datasets.figshare_csv(tmp_path) / "patients.csv"
    index.write_text(index.read_text().replace("patient_id", "person"))
    with assert_refused(DataError, file=r"patients\.csv$", found=r"no column \['patient_id'\] among \['slice', "):
        read(tmp_path)


def test_a_damaged_mat_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    scans.cut(tiny_datasets.figshare_mats(tmp_path) / "11.mat", 0.5)
    with assert_refused(ScanError, file=r"11\.mat"):
        read(tmp_path)


def test_another_folder_is_an_error_with_the_command_that_downloads_the_set(tmp_path: Path) -> None:
    scans.other_hdf5(tmp_path / "cvind.mat")
    with pytest.raises(DataError) as error:
        read(tmp_path)
    assert error.value.advice == "fetch it with: tumorlens data get figshare"
