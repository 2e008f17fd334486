"""Every case of NIfTI files is read right, or refused; a file that dcm2niix made equals its DICOM series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.hard_case import assert_placed, images, save, volume
from tests.fixtures.hard_nifti import CASES, by_dcm2niix
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ScanError
from tumorlens.scan import read_scan, read_size
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.nifti import read_nifti_volume


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_right_or_refused(name: str, tmp_path: Path) -> None:
    case = CASES[name](tmp_path)
    if case.refused:
        with pytest.raises(ScanError):
            np.asarray(read_nifti_volume(case.path))
        return
    for number, truth in enumerate(case.volumes, 1):
        found = read_nifti_volume(case.path, number=number if len(case.volumes) > 1 else None)
        voxels = np.asarray(found)
        assert np.isfinite(voxels).all()
        if truth.affine is None:
            assert not found.spacing_known
            assert found.spacing is None
            assert found[0].spacing is None
            assert found.notes
        elif case.has_nan:
            assert voxels.shape == truth.voxels.shape
        else:
            assert found.affine is not None
            assert_placed(voxels, found.affine, truth)


def test_one_of_several_volumes_must_be_named(tmp_path: Path) -> None:
    case = CASES["four_dimensions"](tmp_path)
    with pytest.raises(ScanError) as caught:
        read_nifti_volume(case.path)
    assert caught.value.found == f"holds {len(case.volumes)} volumes"
    with pytest.raises(ScanError):
        read_nifti_volume(case.path, number=len(case.volumes) + 1)


def test_a_file_equals_the_series_that_it_was_made_of(tmp_path: Path) -> None:
    series = save(images(), tmp_path / "series")
    exported = by_dcm2niix(series)
    nifti = read_nifti_volume(exported if isinstance(exported, Path) else exported.path)
    (stack,) = read_stacks(series).stacks
    dicom = stack.volume()
    assert np.array_equal(np.asarray(nifti), np.asarray(dicom))
    assert nifti.affine is not None
    assert np.allclose(nifti.affine, dicom.affine, atol=1e-3)
    assert nifti.plane == dicom.plane == "axial"


def test_a_scan_is_the_upright_volume_with_its_orientation(tmp_path: Path) -> None:
    case = CASES["las"](tmp_path)
    scan = read_scan(case.path)
    assert scan.pixels.shape == volume().voxels.shape
    assert scan.orientation == "SPL"
    assert scan.spacing == pytest.approx(volume().spacing, abs=1e-3)
    assert read_size(case.path) == scan.size


def test_content_in_memory_is_read_like_the_file(tmp_path: Path) -> None:
    for name in ("ras", "gz"):
        path = CASES[name](tmp_path).path
        assert np.array_equal(read_scan(path.read_bytes()).pixels, read_scan(path).pixels)


def test_a_dicom_file_in_the_place_of_a_mask_is_refused_with_how_to_convert_it(tmp_path: Path) -> None:
    folder = save(images()[:1], tmp_path)
    with assert_refused(ScanError, found="is a DICOM file", expected="NIfTI", advice="dcmqi.*plastimatch"):
        read_nifti_volume(next(folder.iterdir()))
