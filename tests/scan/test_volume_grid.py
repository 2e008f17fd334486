"""Two volumes have the same voxels by place, not by the order of their arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import volumes
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ScanError
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.volume_grid import grid_text, read_mask_volume, resample_mask, same_grid


def test_voxels_are_the_same_whatever_the_order_of_the_array(tmp_path: Path) -> None:
    mask = volumes.ellipsoid()
    one = volumes.save(tmp_path / "one.nii.gz", mask)
    other = volumes.save(tmp_path / "other.nii.gz", *volumes.stored_otherwise(mask))
    (first, ours), (second, theirs) = (read_mask_volume(path, "axial") for path in (one, other))
    assert same_grid(first, second)
    assert (ours == theirs).all()
    assert ours.any()
    assert not same_grid(first, read_nifti_volume(one, plane="coronal"))


@pytest.mark.parametrize("millimeters", [0.1, 0.9])
def test_half_a_voxel_is_another_place(tmp_path: Path, millimeters: float) -> None:
    moved = volumes.AFFINE.copy()
    moved[1, 3] += millimeters  # of a voxel of 1.5 mm
    one = volumes.save(tmp_path / "one.nii.gz", volumes.ellipsoid())
    other = volumes.save(tmp_path / "other.nii.gz", volumes.ellipsoid(), moved)
    first, second = read_nifti_volume(one), read_nifti_volume(other)
    assert same_grid(first, second) == (millimeters < 0.75)


def test_resampling_takes_the_voxel_whose_center_is_nearest(tmp_path: Path) -> None:
    """Against a search over all voxel centers, on a tilted grid."""
    mask = volumes.ellipsoid()
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    tilted = np.eye(4)
    tilted[:3, :3] = turn @ np.diag([-3.0, -3.0, 5.0])
    tilted[:3, 3] = (36.0, 14.0, -17.3)
    source, voxels = read_mask_volume(volumes.save(tmp_path / "mask.nii.gz", mask))
    target = read_nifti_volume(volumes.save(tmp_path / "target.nii.gz", np.zeros((14, 12, 8), np.uint8), tilted))
    found = resample_mask(voxels, source, target)
    assert found.shape == target.size
    assert source.affine is not None
    assert target.affine is not None
    centers = (source.affine @ _indices(source.size))[:3].T
    checked = 0
    for index in np.argwhere(np.ones(target.size))[::7]:
        place = (target.affine @ [*index, 1])[:3]
        away = np.linalg.norm((np.linalg.inv(source.affine[:3, :3]) @ (centers - place).T), axis=0)
        if away.min() < 0.49:  # no tie, and inside of the mask
            assert found[tuple(index)] == voxels.ravel()[away.argmin()]
            checked += 1
    assert checked > 20
    assert found.any()


def test_beyond_the_mask_there_is_no_tumor(tmp_path: Path) -> None:
    full = np.ones(volumes.SHAPE, np.uint8)
    far = volumes.AFFINE.copy()
    far[2, 3] += 1000
    source, voxels = read_mask_volume(volumes.save(tmp_path / "mask.nii.gz", full))
    target = read_nifti_volume(volumes.save(tmp_path / "far.nii.gz", full, far))
    assert not resample_mask(voxels, source, target).any()


def test_labels_are_chosen_and_gray_values_are_no_labels(tmp_path: Path) -> None:
    mask = volumes.ellipsoid() * np.uint8(3)
    mask[0, 0, 0] = 2
    path = volumes.save(tmp_path / "mask.nii.gz", mask)
    assert read_mask_volume(path, labels=(2,))[1].sum() == 1
    assert read_mask_volume(path)[1].sum() == np.count_nonzero(mask)
    gray = volumes.save(tmp_path / "gray.nii.gz", np.arange(mask.size, dtype=np.int16).reshape(mask.shape) % 99)
    with assert_refused(ScanError, found="99 different values from 0 to 98", expected="a mask"):
        read_mask_volume(gray)


def test_a_grid_in_words(tmp_path: Path) -> None:
    volume = read_nifti_volume(volumes.save(tmp_path / "one.nii.gz", volumes.ellipsoid()))
    assert grid_text(volume).startswith("12 x 48 x 40 voxels of 4 x 1.5 x 2 mm from (")


def _indices(size: tuple[int, int, int]) -> np.ndarray:
    return np.stack([*(axis.ravel() for axis in np.indices(size)), np.ones(int(np.prod(size)))])
