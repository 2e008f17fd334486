"""Frames that a table names make the volume that the same voxels make as NIfTI, or the reason is returned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.dicom_table import SLICES, bright_phantom, write_nifti, write_series
from tumorlens.datasets.phantom import STUDY_SERIES, phantom_study
from tumorlens.scan import read_scan
from tumorlens.scan.dicom.frame_volume import FrameVolume, read_frame_volume
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.slice_location import SliceLocation


def located(paths: list[Path]) -> list[SliceLocation]:
    return [SliceLocation(path, None, 1) for path in paths]


def opened(locations: list[SliceLocation]) -> FrameVolume:
    found = read_frame_volume(locations)
    assert isinstance(found, FrameVolume)
    return found


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_series_is_the_upright_volume_of_its_nifti_file(tmp_path: Path, plane: str) -> None:
    phantom = bright_phantom(plane=plane)
    found = opened(located(write_series(tmp_path / "series", phantom))).volume
    expected = read_nifti_volume(write_nifti(tmp_path / "head.nii", phantom.voxels, phantom), plane=plane)
    assert found.plane == plane
    assert np.array_equal(np.asarray(found), np.asarray(expected))
    assert found.affine is not None
    assert np.abs(found.affine - expected.affine).max() < 1e-3


def test_each_frame_has_its_place_and_is_read_as_alone(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "series", bright_phantom(plane="sagittal"))
    found = opened(located(paths))
    assert sorted(found.places) == list(range(SLICES))
    for path, place in zip(paths, found.places, strict=True):
        assert np.array_equal(read_scan(SliceLocation(path, None, 1).path).pixels, found.volume.read(place))
        stored = read_scan(path).pixels
        assert np.array_equal(found.turn.apply(stored[None])[0], found.volume.read(place))


def test_frames_of_one_file_make_a_volume(tmp_path: Path) -> None:
    study = phantom_study(tmp_path / "study", slices=4, size=48, series=[STUDY_SERIES[7]])
    (path,) = study.rglob("*.dcm")
    found = opened([SliceLocation(path, None, number) for number in (4, 3, 2)])
    assert found.volume.size == (3, 48, 48)
    assert sorted(found.places) == [0, 1, 2]


def test_what_makes_no_volume_is_a_reason(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "series", bright_phantom())
    other = write_series(tmp_path / "other", bright_phantom(plane="coronal"))
    assert read_frame_volume(located([*paths[:3], *paths[5:]])) == "slices that are not equally spaced"
    assert read_frame_volume(located([*paths, paths[0]])) == "several slices at one place"
    assert read_frame_volume(located([*paths, *other])) == "slices of different size, spacing or orientation"
    assert read_frame_volume([SliceLocation(paths[0], None, 2)]) == "slices without a place in the patient"
