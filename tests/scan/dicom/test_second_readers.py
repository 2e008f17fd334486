"""The same series by dcm2niix and by SimpleITK: the same voxels at the same places."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, volume_images
from tumorlens.datasets.phantom.phantom_volume import render_volume
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.volume import Volume, reorientation

SHAPES = [
    ("axial", (0.0, 0.0, 0.0), 5.0),
    ("coronal", (0.0, 0.0, 0.0), 4.0),
    ("sagittal", (0.0, 0.0, 0.0), 3.5),
    ("axial", (20.0, 0.0, 0.0), 5.0),
    ("coronal", (12.0, -8.0, 5.0), 6.0),
    ("sagittal", (0.0, 9.0, 14.0), 5.0),
]


def series(folder: Path, plane: str, tilt: tuple[float, float, float], gap: float) -> Volume:
    """Write a series of a phantom, and read it."""
    folder.mkdir()
    phantom = render_volume("meningioma", 4, plane=plane, tilt=tilt, gap=gap, slices=7, size=48)
    for number, image in enumerate(volume_images(phantom, STUDY_SERIES[2])):
        image.save_as(folder / f"{(5 * number) % 7}.dcm", enforce_file_format=True)  # names in another order
    (stack,) = read_stacks(folder).stacks
    assert stack.irregular is None
    return stack.volume()


def upright(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Voxels in upright slices, and their affine."""
    turn = reorientation(volume.steps, volume.plane)
    assert volume.affine is not None
    steps = turn.steps(volume.affine[:3, :3])
    ends = np.zeros(3)
    ends[list(turn.axes)] = turn.flips
    corner = volume.affine @ [*((np.array(volume.size) - 1) * ends), 1]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = steps, corner[:3]
    return turn.apply(np.asarray(volume)), affine


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize(("plane", "tilt", "gap"), SHAPES)
def test_dcm2niix_writes_the_same_voxels_with_the_same_affine(
    plane: str, tilt: tuple[float, float, float], gap: float, tmp_path: Path
) -> None:
    ours = series(tmp_path / "dicom", plane, tilt, gap)
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "volume", "-o", str(tmp_path), str(tmp_path / "dicom")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    theirs = read_nifti_volume(tmp_path / "volume.nii")
    (voxels, affine), (their_voxels, their_affine) = upright(ours), upright(theirs)
    assert np.array_equal(voxels, their_voxels)
    assert np.abs(affine - their_affine).max() < 1e-3


@pytest.mark.parametrize(("plane", "tilt", "gap"), SHAPES)
def test_simpleitk_puts_the_same_voxels_at_the_same_places(
    plane: str, tilt: tuple[float, float, float], gap: float, tmp_path: Path
) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    ours = series(tmp_path / "dicom", plane, tilt, gap)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "dicom"))
    image = sitk.ReadImage(list(names))
    voxels = sitk.GetArrayFromImage(image)
    assert ours.affine is not None
    own = np.asarray(ours)
    for index in np.ndindex(2, 2, 2):
        z, row, column = (int(end) for end in np.array(index) * (np.array(voxels.shape) - 1))
        place = image.TransformContinuousIndexToPhysicalPoint([float(column), float(row), float(z)])
        found = np.linalg.inv(ours.affine) @ [*place, 1]
        assert np.abs(found[:3] - np.rint(found[:3])).max() < 1e-3
        assert own[tuple(np.rint(found[:3]).astype(int))] == voxels[z, row, column]
