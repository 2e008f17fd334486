"""The training table of the recipe default, on phantoms in the layout of its sets."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from tests.datasets.sets.test_slice_folders import MUSLIM_MS, OPEN_MS, SOOP, slice_folder
from tests.fixtures import nifti_folders, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import find_linked_groups, split_folds
from tumorlens.datasets import open_table, read_sample_mask, read_table, write_table
from tumorlens.datasets.sets import brain_tumor_progression, default_training, whole_heads
from tumorlens.errors import DataError
from tumorlens.scan import read_scan

_HEADS = ("fnndsc_adi_t1", "fnndsc_adi_t2", "philips_elition_t1", "prisma_asl_t1", "prisma_crlab_t1", "sag_anon_t1")


def heads(folder: Path) -> Path:
    for number, name in enumerate((*_HEADS, "uih_t1")):
        nifti_folders.save_pair(folder / f"{name}.nii.gz", label="no_tumor", seed=number % 3)
    return folder


def glioblastomas(folder: Path, patients: int = 5) -> Path:
    """Volumes with masks of the rim of their tumor alone."""
    for patient in range(1, patients + 1):
        for time in ("Pre", "Post"):
            image = folder / f"{patient:02d}" / f"{time}_Scan_T1.nii.gz"
            mask = image.with_name(f"{time}_Mask.nii.gz")
            nifti_folders.save_pair(image, mask, seed=1)
            whole = nibabel.load(mask)
            voxels = np.asanyarray(whole.dataobj)
            cross = np.zeros((3, 3, 3))
            cross[1, :, 1] = cross[:, 1, 1] = 1  # in each axial slice
            rim = (voxels > 0) & ~ndimage.binary_erosion(voxels > 0, cross)
            nibabel.save(nibabel.Nifti1Image(rim.astype(np.int16), whole.affine), mask)
    return folder


def everything(folder: Path) -> Path:
    tiny_datasets.figshare_csv(folder / "figshare")
    tiny_datasets.class_folders(folder / "no_tumor", {"images": 12})
    (folder / "no_tumor" / "images.csv").write_text("file,copies_in_nickparvar\n")
    heads(folder / "whole_heads")
    glioblastomas(folder / "volumes" / "brain_tumor_progression")
    slice_folder(folder / "openms_raw", *OPEN_MS)
    slice_folder(folder / "ms_slices", *MUSLIM_MS)
    slice_folder(folder / "soop", *SOOP)
    return folder


def test_whole_heads_are_cut_every_four_millimeters_and_two_volumes_are_of_one_person(tmp_path: Path) -> None:
    table = open_table(heads(tmp_path / "heads"))
    assert (table.name, len({s.group for s in table}), len(table.volumes)) == ("whole_heads", 6, 7)
    assert {s.group for s in table if "fnndsc" in s.id} == {"whole_heads:fnndsc_adi"}
    positions = sorted({s.origin.position for s in table.volumes["whole_heads/uih_t1"] if s.origin})
    assert np.diff(positions).min() >= whole_heads.STEP / 1.5
    assert {s.acquisition.skull_stripped for s in table if s.acquisition} == {False}


def test_all_planes_are_used_where_voxels_are_cubes(tmp_path: Path) -> None:
    folder = heads(tmp_path / "heads")
    cube = np.zeros((40, 40, 40), np.int16)
    cube[8:32, 8:32, 8:32] = np.random.default_rng(0).integers(80, 120, (24, 24, 24))
    nibabel.save(nibabel.Nifti1Image(cube, np.diag([2.0, 2.0, 2.0, 1.0])), folder / "uih_t1.nii.gz")
    slices = [s for s in open_table(folder) if "uih" in s.id]
    assert {s.origin.plane for s in slices if s.origin} == {"axial", "coronal", "sagittal"}
    indices = [s.origin.slice_index for s in slices if s.origin and s.origin.plane == "coronal"]
    assert set(np.diff(indices)) == {2}


def test_the_rim_of_a_tumor_is_filled_and_small_parts_of_it_are_left_out(tmp_path: Path) -> None:
    table = open_table(glioblastomas(tmp_path / "set", 2))
    assert (table.name, table.classes) == ("brain_tumor_progression", ("glioma", "no_tumor"))
    tumors = [s for s in table if s.label == "glioma"]
    assert {s.group for s in tumors} == {"brain_tumor_progression:01", "brain_tumor_progression:02"}
    for sample in tumors:
        mask = read_sample_mask(sample)
        assert mask is not None
        assert mask.shape == read_scan(sample.image).pixels.shape
        assert mask.sum() >= 20
        assert np.array_equal(mask, ndimage.binary_fill_holes(mask))
    assert all(not read_sample_mask(s).any() for s in table if s.label == "no_tumor")  # type: ignore[union-attr]
    assert read_table(write_table(table, tmp_path / "table.csv")) == table  # the filling is part of the path


def test_folders_without_volumes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "01").mkdir()
    with assert_refused(DataError, file="absent", found="no volume can be used", expected="Pre_Scan_T1"):
        open_table(f"brain_tumor_progression:{tmp_path / 'absent'}")
    with assert_refused(DataError, found="no volume can be used"):
        brain_tumor_progression.DATASET.read(tmp_path)


def test_one_folder_gives_the_whole_training_table(tmp_path: Path) -> None:
    table = open_table(f"default_training:{everything(tmp_path / 'data')}")
    assert {s.dataset for s in table} == {
        "figshare", "no_tumor", "brain_tumor_progression", "whole_heads", "open_ms", "muslim_ms", "soop",
    }  # fmt: skip
    assert table.classes == ("glioma", "meningioma", "pituitary", "no_tumor")
    split = split_folds(table.filter(lambda s: s.label == "no_tumor"), folds=2, val=0.2)
    tested = {s.group for s in split.subset("test") if s.dataset == "whole_heads"}
    assert 2 <= len(tested) <= 4  # of six people, by the number of their slices


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    folder = everything(tmp_path / "data")
    shutil.rmtree(folder / "soop")
    with assert_refused(DataError, found="soop is missing", expected="brain_tumor_progression", advice="info soop"):
        default_training.DATASET.read(folder)


def test_patients_stay_apart_when_the_audit_groups_what_belongs_together(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for patient in (1, 2, 3):
        for time in ("Pre", "Post"):
            image = folder / f"{patient:02d}" / f"{time}_Scan_T1.nii.gz"
            seed = 10 * patient + (time == "Post")
            nifti_folders.save_pair(image, image.with_name(f"{time}_Mask.nii.gz"), seed=seed)
    table = open_table(folder)
    groups = find_linked_groups(table).groups
    assert len(set(groups)) == 3  # both studies of a patient, and no two patients
