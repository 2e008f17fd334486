"""All slices of a phantom series in one file: enhanced multi-frame, and mosaic."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydicom import Dataset

from tumorlens.datasets.phantom import render_volume
from tumorlens.datasets.phantom.phantom_multiframe import enhanced_image, mosaic_image
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES, PhantomSeries, series_images

VOLUME = render_volume("glioma", 0, slices=5, gap=6.0, size=48)
TAGS = STUDY_SERIES[2].tags


def images(name: str) -> list[Dataset]:
    series = next(one for one in STUDY_SERIES if one.description == name)
    return list(series_images(series, slices=5, gap=6.0, size=48))


def groups(image: Dataset, frame: int) -> Dataset:
    """The functional groups of one frame, own and shared, in one level."""
    found = Dataset()
    for level in (image.SharedFunctionalGroupsSequence[0], image.PerFrameFunctionalGroupsSequence[frame]):
        for element in level:
            assert len(element.value) == 1
            found.update(element.value[0])
    return found


def test_frames_of_the_enhanced_image_are_the_slices_where_the_volume_has_them() -> None:
    (image,) = images("T1 axial post contrast enhanced")
    assert np.array_equal(image.pixel_array, VOLUME.voxels)
    for frame in range(5):
        found = groups(image, frame)
        assert list(found.ImagePositionPatient) == pytest.approx((VOLUME.affine @ [frame, 0, 0, 1])[:3], abs=1e-5)
        assert list(found.ImageOrientationPatient) == pytest.approx([1, 0, 0, 0, 1, 0])
        assert list(found.PixelSpacing) == pytest.approx(VOLUME.spacing[1:])
        assert (found.EffectiveEchoTime, found.RepetitionTime, found.InversionRecovery) == (12.0, 550.0, "NO")
        assert list(found.DimensionIndexValues) == [1, frame + 1]
    assert not {"ImagePositionPatient", "PixelSpacing", "EchoTime", "RepetitionTime"} & set(image.dir())
    assert [one.ContrastBolusAgentNumber for one in image.ContrastBolusAgentSequence] == [1]


def test_times_and_b_values_are_in_the_groups() -> None:
    flair = enhanced_image(images("FLAIR axial"), uid="2.25.1")
    assert flair.AcquisitionContrast == "FLUID_ATTENUATED"
    assert groups(flair, 0).InversionTimes == 2500.0
    assert "ContrastBolusAgentSequence" not in flair
    diffusion = enhanced_image(images("DWI axial"), uid="2.25.1")
    assert [groups(diffusion, i).DiffusionBValue for i in (0, 4, 5, 9)] == [0.0, 0.0, 1000.0, 1000.0]
    assert list(groups(diffusion, 7).DimensionIndexValues) == [1, 3, 2]


def test_orientations_that_differ_are_stacks() -> None:
    localizer = enhanced_image(images("localizer"), uid="2.25.1")
    found = [groups(localizer, i) for i in range(9)]
    assert [one.StackID for one in found] == list("111222333")
    # the normals point to the head, the back and the right; these slices go up, to the front and to the left
    assert [one.InStackPositionNumber for one in found] == [1, 2, 3, 3, 2, 1, 3, 2, 1]


def test_tiles_of_the_mosaic_are_the_slices() -> None:
    (image,) = images("T1 axial post contrast mosaic")
    assert image.pixel_array.shape == (3 * 48, 3 * 48)
    assert "MOSAIC" in image.ImageType
    assert image.private_block(0x0019, "SIEMENS MR HEADER")[0x0A].value == 5
    tiles = image.pixel_array.reshape(3, 48, 3, 48).transpose(0, 2, 1, 3).reshape(9, 48, 48)
    assert np.array_equal(tiles[:5], VOLUME.voxels)
    assert not tiles[5:].any()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("order", [1, -1])
def test_nibabel_puts_the_tiles_where_the_volume_has_them(plane: str, order: int) -> None:
    pytest.importorskip("nibabel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that this is experimental
        from nibabel.nicom.dicomwrappers import MosaicWrapper
    series = PhantomSeries(3, "T1", ("T1 post",), (plane,), tags=TAGS)
    volume = render_volume("glioma", 0, plane=plane, slices=5, gap=6.0, size=48)
    found = MosaicWrapper(mosaic_image(list(series_images(series, slices=5, gap=6.0, size=48))[::order]))
    expected = volume.affine.copy()
    if order < 0:
        expected[:3, 3] += 4 * expected[:3, 0]
        expected[:3, 0] *= -1
    assert found.affine[:, [2, 0, 1, 3]] == pytest.approx(expected, abs=1e-4)  # (row, column, slice) there
    assert np.array_equal(found.get_data().transpose(2, 0, 1), volume.voxels[::order])
