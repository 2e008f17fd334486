"""A folder of NIfTI volumes becomes a table of slices, with masks, volumes and places; nothing vanishes unsaid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import nifti_folders
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import fingerprint, open_table, read_sample_mask, read_table, write_table
from tumorlens.errors import DataError
from tumorlens.scan import read_scan


def test_a_slice_shows_a_tumor_where_its_mask_is_not_empty(tmp_path: Path) -> None:
    volume = nifti_folders.save_pair(tmp_path / "a.nii.gz", tmp_path / "a_mask.nii.gz")
    table = open_table(tmp_path)
    assert table.classes == ("no_tumor", "tumor")
    for sample in table:
        assert sample.origin is not None
        index = sample.origin.slice_index
        assert sample.label == ("tumor" if volume.mask[index].any() else "no_tumor")
        assert np.array_equal(read_scan(sample.image).pixels, volume.voxels[index])
        mask = read_sample_mask(sample)
        assert mask is not None
        assert np.array_equal(mask, volume.mask[index])
        center = volume.affine[:3] @ [index, 0, 0, 1]
        assert sample.origin.position == pytest.approx(center[2], abs=1e-3)
    assert Counter(s.label for s in table)["tumor"] == volume.mask.any(axis=(1, 2)).sum()
    assert set(table.volumes) == {f"{tmp_path.name}/a.nii.gz"}


def test_slices_beyond_the_head_are_left_out_and_counted(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz", tmp_path / "a_mask.nii.gz")
    table = open_table(tmp_path)
    kept = {s.origin.slice_index for s in table if s.origin}
    assert kept == set(range(2, 10))
    assert any("4 slices without a head" in note for note in table.notes)


def test_volumes_in_folders_of_their_own_are_of_one_patient(tmp_path: Path) -> None:
    for patient in ("01", "02"):
        for time in ("Pre", "Post"):
            nifti_folders.save_pair(
                tmp_path / patient / f"{time}_T1.nii.gz", tmp_path / patient / f"{time}_Mask.nii.gz"
            )
    table = open_table(tmp_path)
    assert {s.patient for s in table} == {f"{tmp_path.name}:01", f"{tmp_path.name}:02"}
    assert len(table.volumes) == 4


def test_slices_of_one_volume_are_never_divided_though_the_patient_is_unknown(tmp_path: Path) -> None:
    for seed in range(2):
        nifti_folders.save_pair(tmp_path / f"{seed}.nii.gz", tmp_path / f"{seed}_mask.nii.gz", seed=seed)
    table = open_table(tmp_path)
    assert all(s.patient is None for s in table)
    assert len({s.unit for s in table}) == 2
    assert any("no patient ids" in note for note in table.notes)


def test_volumes_without_masks_are_unannotated_until_the_user_decides(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "a.nii.gz")
    with assert_refused(DataError, found="images have no annotation"):
        open_table(tmp_path)
    assert open_table(tmp_path, unannotated="negative").classes == ("no_tumor",)


def test_volumes_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    volume = nifti_folders.save_pair(tmp_path / "good.nii.gz", tmp_path / "good_seg.nii.gz")
    nifti_folders.save_pair(tmp_path / "moved.nii.gz")
    moved = nifti_folders.phantom("glioma", 1)
    nifti_folders.save(tmp_path / "moved_seg.nii.gz", np.zeros((12, 40, 48)), moved)
    nifti_folders.save_pair(tmp_path / "gray.nii.gz")
    nifti_folders.save(tmp_path / "gray_seg.nii.gz", volume.voxels, volume)
    nifti_folders.save_pair(tmp_path / "bad.nii.gz")
    (tmp_path / "bad_seg.nii.gz").write_bytes(b"no volume")
    table = open_table(tmp_path)
    assert set(table.volumes) == {f"{tmp_path.name}/good.nii.gz"}
    left_out = [note for note in table.notes if "left out: " in note]
    assert len(left_out) == 3
    for reason in ("another grid", "gray values, not labels", "it or its mask"):
        assert any(reason in note and "1 file left out" in note for note in left_out)


def test_a_folder_in_which_no_volume_can_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"no volume")
    with assert_refused(DataError, found="no NIfTI volume can be used", advice="1 file left out"):
        open_table(tmp_path)


def test_a_written_table_is_read_again_as_it_was(tmp_path: Path) -> None:
    nifti_folders.save_pair(tmp_path / "heads" / "a.nii.gz", tmp_path / "heads" / "a_mask.nii.gz")
    table = open_table(tmp_path / "heads")
    read = read_table(write_table(table, tmp_path / "table.csv"))
    assert [s.origin for s in read] == [s.origin for s in table]
    assert [s.id for s in read] == [s.id for s in table]
    assert [s.image.resolve() for s in read] == [s.image.resolve() for s in table]
    assert fingerprint(read, masks=True) == fingerprint(table, masks=True)


def test_the_fingerprint_depends_on_the_slice_and_on_the_mask(tmp_path: Path) -> None:
    volume = nifti_folders.save_pair(tmp_path / "a.nii.gz", tmp_path / "a_mask.nii.gz")
    table = open_table(tmp_path)
    before = fingerprint(table), fingerprint(table, masks=True)
    nifti_folders.save(tmp_path / "a_mask.nii.gz", 2 * volume.mask, volume)
    assert (fingerprint(table), fingerprint(table, masks=True) == before[1]) == (before[0], False)
    assert fingerprint(table[:3]) != fingerprint(table[1:4])
