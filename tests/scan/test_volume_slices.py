"""A slice of a volume is read by its path: upright, in any plane, and each volume once."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.fixtures import nifti_folders
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom.phantom_study import phantom_study
from tumorlens.errors import ScanError
from tumorlens.scan import read_mask, read_scan, read_size, volume_slices
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.slice_location import SliceLocation, file_of


@pytest.fixture
def head(tmp_path: Path) -> Path:
    nifti_folders.save_pair(tmp_path / "head.nii.gz", tmp_path / "mask.nii.gz")
    return tmp_path / "head.nii.gz"


def test_a_slice_of_a_nifti_file_is_that_of_the_phantom(head: Path) -> None:
    phantom = nifti_folders.phantom()
    scan = read_scan(f"{head}#axial=5")
    assert np.array_equal(scan.pixels, phantom.voxels[5])
    assert np.array_equal(read_mask(Path(f"{head.with_name('mask.nii.gz')}#axial=5")), phantom.mask[5])
    assert scan.spacing == pytest.approx(phantom.spacing[1:])
    assert (scan.orientation, read_size(f"{head}#axial=5")) == ("PL", (48, 48))


def test_the_other_planes_are_upright(head: Path) -> None:
    voxels = nifti_folders.phantom().voxels  # slices to the head, rows to the back, columns to the left
    assert np.array_equal(read_scan(f"{head}#coronal=20").pixels, voxels[::-1, 20])
    assert np.array_equal(read_scan(f"{head}#sagittal=20").pixels, voxels[::-1, :, -21])
    assert read_size(f"{head}#sagittal=20") == (12, 48)


def test_a_mask_can_have_labels_of_which_some_count(tmp_path: Path) -> None:
    phantom = nifti_folders.phantom()
    labels = phantom.mask.astype(np.int16)
    labels[:, :, :20] *= 2
    path = nifti_folders.save(tmp_path / "seg.nii.gz", labels, phantom)
    index = int(phantom.mask.any(axis=(1, 2)).nonzero()[0][0])
    assert np.array_equal(read_mask(Path(f"{path}#axial={index}")), phantom.mask[index])
    assert np.array_equal(read_mask(Path(f"{path}#axial={index}&labels=1,4")), labels[index] == 1)


def test_gray_values_are_no_mask(tmp_path: Path) -> None:
    phantom = nifti_folders.phantom()
    image = nibabel.Nifti1Image(np.full((4, 4, 3), 0.5, np.float32), np.eye(4))
    nibabel.save(image, tmp_path / "p.nii")
    with assert_refused(ScanError, found="no whole numbers", expected="labels from 0"):
        read_mask(tmp_path / "p.nii#axial=1")
    assert phantom.mask.max() == 1


@pytest.mark.parametrize(
    ("fragment", "found"), [("axial=12", "holds 12 slices"), ("frame=1", "a slice of a file of the format NIfTI")]
)
def test_a_slice_that_is_not_there_is_refused(head: Path, fragment: str, found: str) -> None:
    with assert_refused(ScanError, found=found, advice="make the table anew"):
        read_scan(f"{head}#{fragment}")


def test_a_volume_is_opened_once_and_again_when_it_has_changed(head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def counted(path: Path, *, plane: str | None = None) -> object:
        opened.append(path)
        return read_nifti_volume(path, plane=plane)

    monkeypatch.setattr(volume_slices, "read_nifti_volume", counted)
    first = read_scan(f"{head}#axial=5").pixels
    read_scan(f"{head}#axial=6")
    assert len(opened) == 1
    nifti_folders.save(head, np.ones((12, 48, 48)), nifti_folders.phantom())
    assert not np.array_equal(read_scan(f"{head}#axial=5").pixels, first)
    assert len(opened) == 2


def test_few_volumes_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_slices, "MAX_OPEN_VOXELS", 2 * 12 * 48 * 48)
    for seed in range(4):
        nifti_folders.save_pair(tmp_path / f"{seed}.nii.gz", seed=seed)
        read_scan(tmp_path / f"{seed}.nii.gz#axial=3")
    held = [key[0].name for key, one in volume_slices._files.items() if one.voxels]
    assert held == ["2.nii.gz", "3.nii.gz"]


def test_a_frame_of_a_dicom_file_is_upright_wherever_it_is_stored(tmp_path: Path) -> None:
    folder = phantom_study(tmp_path / "study", slices=6, gap=15.0, size=48)
    for stack in read_stacks(folder).stacks:
        frame = stack.frames[len(stack.frames) // 2]
        location = SliceLocation(frame.source.path, None, frame.number or 1)
        scan = read_scan(location.path)
        assert scan.orientation in ("PL", "IL", "IP")
        assert scan.size == read_size(location.path)
        if scan.orientation == "PL":
            assert np.array_equal(scan.pixels, frame.read())


def test_a_location_is_a_path_and_a_file_with_such_a_name_is_a_file(tmp_path: Path) -> None:
    location = SliceLocation(tmp_path / "a.nii", "coronal", 1234, (1, 3))
    assert location.path.name == "a.nii#coronal=1234&labels=1,3"
    assert SliceLocation.parse(location.path) == location
    assert (file_of(location.path), file_of(tmp_path / "b.png")) == (tmp_path / "a.nii", tmp_path / "b.png")
    location.path.write_bytes(b"")
    assert SliceLocation.parse(location.path) is None
