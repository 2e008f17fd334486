"""A mask on the grid of its input: the same shape, order of axes and affine; SimpleITK is the second judge."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorlens.datasets.phantom import render_volume
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.nifti_write import save_nifti


@pytest.mark.parametrize(
    ("codes", "order", "flips"),
    [((1, 1), (0, 1, 2), (1, 1, 1)), ((2, 0), (2, 0, 1), (-1, 1, -1)), ((0, 3), (1, 2, 0), (1, -1, 1))],
)
def test_a_mask_of_a_nifti_file_has_its_shape_and_affine(
    codes: tuple[int, int], order: tuple[int, int, int], flips: tuple[int, int, int], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(0, 2, (7, 6, 5)).astype(np.uint8)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([1.0, 1.5, 4.0])[:, list(order)] * flips
    affine[:3, 3] = (-10, 20, 30)
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    nibabel.save(image, tmp_path / "head.nii.gz")
    volume = read_nifti_volume(tmp_path / "head.nii.gz")
    save_nifti(np.asarray(volume), volume, tmp_path / "mask.nii.gz")
    written = nibabel.load(tmp_path / "mask.nii.gz")
    assert np.array_equal(np.asanyarray(written.dataobj), array)
    assert np.allclose(written.affine, image.affine, atol=1e-5)
    assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == codes
    assert written.header.get_xyzt_units()[0] == "mm"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz", "mask.nii.gz"]


def test_a_mask_of_a_series_is_at_its_place_in_the_patient(tmp_path: Path) -> None:
    phantom = render_volume("meningioma", 3, slices=6, size=48, tilt=(10.0, 5.0, -8.0), plane="coronal")
    save_nifti(phantom.mask, phantom.to_volume(), tmp_path / "mask.nii.gz")
    image = nibabel.load(tmp_path / "mask.nii.gz")
    voxels = np.argwhere(np.asanyarray(image.dataobj) > 0)
    ras = nibabel.affines.apply_affine(image.affine, voxels).mean(axis=0)
    lps = (phantom.affine @ np.r_[np.argwhere(phantom.mask).mean(axis=0), 1])[:3]
    assert np.allclose(ras * [-1, -1, 1], lps, atol=1e-3)


def test_simpleitk_opens_a_mask_at_the_same_place(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    phantom = render_volume("glioma", 1, slices=6, size=48, tilt=(0.0, 20.0, 0.0))
    save_nifti(phantom.mask, phantom.to_volume(), tmp_path / "mask.nii.gz")
    image = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
    z, y, x = np.argwhere(sitk.GetArrayFromImage(image))[0]
    place = image.TransformContinuousIndexToPhysicalPoint([float(x), float(y), float(z)])
    first = min(np.argwhere(phantom.mask), key=lambda v: (v[0], v[1], v[2]))
    assert np.allclose(place, (phantom.affine @ [*first, 1])[:3], atol=1e-3)


def test_another_shape_is_refused(tmp_path: Path) -> None:
    volume = render_volume("no_tumor", 0, slices=2, size=32).to_volume()
    with pytest.raises(ValueError, match="expected"):
        save_nifti(np.zeros((1, 2, 3), np.uint8), volume, tmp_path / "mask.nii.gz")
