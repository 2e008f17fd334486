"""A CSV table can name volumes: with mask, patient, class and plane."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fixtures import nifti_folders
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import open_table
from tumorlens.errors import DataError


def table_of(folder: Path, *lines: str) -> Path:
    path = folder / "heads.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_name_class_and_patient(tmp_path: Path) -> None:
    table = open_table(nifti_folders.patients(tmp_path, ("glioma", "meningioma"), 2))
    assert table.classes == ("glioma", "meningioma", "no_tumor")
    assert {s.patient for s in table} == {f"heads:{label}{i}" for label in ("glioma", "meningioma") for i in (0, 1)}
    for slices in table.volumes.values():
        assert len({s.label for s in slices} - {"no_tumor"}) == 1


def test_a_healthy_volume_needs_no_mask_and_one_of_a_tumor_stays_unannotated(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz")
    nifti_folders.save_pair(tmp_path / "b.nii.gz", seed=1)
    path = table_of(tmp_path, "volume_path,label", "a.nii.gz,No Tumor", "b.nii.gz,glioma")
    table = open_table(path, unannotated="keep")
    assert {v: {s.label for s in slices} for v, slices in table.volumes.items()} == {
        "heads/a.nii.gz": {"no_tumor"},
        "heads/b.nii.gz": {"unannotated"},
    }
    assert any("1 volumes of a tumor without a mask" in note for note in table.notes)


def test_one_volume_can_be_read_in_several_planes(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz")
    rows = [f"a.nii.gz,healthy,{plane}" for plane in ("axial", "coronal", "")]
    with assert_refused(DataError, found="ids occur more than once"):  # without a plane it is axial
        open_table(table_of(tmp_path, "volume,label,plane", *rows))
    table = open_table(table_of(tmp_path, "volume,label,plane", *rows[:2]))
    planes = Counter(s.origin.plane for s in table if s.origin)
    assert planes["coronal"] > planes["axial"] > 0
    assert len({s.unit for s in table}) == 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a.nii.gz,healthy,oblique,", "plane 'oblique'"),
        ("b.nii.gz,healthy,,", "b.nii.gz does not exist"),
        (",healthy,,", "no volume"),
        ("a.nii.gz,healthy,,one", "mask_labels 'one'"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, line: str, found: str) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz")
    with assert_refused(DataError, line=2, found=found):
        open_table(table_of(tmp_path, "volume,label,plane,mask_labels", line))


def test_a_wrong_origin_in_a_table_of_slices_is_named_by_its_line(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz")
    columns = "image,label,volume,plane,slice_index"
    with assert_refused(DataError, line=2, found="plane 'top'", expected="axial"):
        open_table(table_of(tmp_path, columns, "a.nii.gz#axial=003,glioma,a,top,3"))
    with assert_refused(DataError, line=2, found="slice_index 'x'"):
        open_table(table_of(tmp_path, columns, "a.nii.gz#axial=003,glioma,a,axial,x"))
