"""Slices of a table make one volume in 3D with its reference mask, or the reason is returned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.dicom_table import bright_phantom, dicom_table, write_nifti
from tumorlens.datasets import read_sample_mask
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.table_volume import TableVolume, open_table_volume
from tumorlens.scan.volume_grid import read_mask_volume


def opened(id: str, samples: object) -> TableVolume:
    found = open_table_volume(id, samples)  # type: ignore[arg-type]
    assert isinstance(found, TableVolume)
    return found


@pytest.mark.parametrize("as_stored", [False, True])
@pytest.mark.parametrize("plane", ["axial", "sagittal"])
def test_masks_on_dicom_slices_are_the_mask_of_the_volume(tmp_path: Path, as_stored: bool, plane: str) -> None:
    phantom = bright_phantom(plane=plane)
    table = dicom_table(tmp_path / "data", [phantom], as_stored=as_stored)
    ((name, samples),) = table.volumes.items()
    found = opened(name, samples)
    _, expected = read_mask_volume(write_nifti(tmp_path / "mask.nii", phantom.mask, phantom), plane)
    assert expected.any()
    assert np.array_equal(found.reference(), expected)
    masks = {one.id: mask for one in samples if (mask := read_sample_mask(one)) is not None}
    stacked = found.stacked({name: PackedMask.of(mask) for name, mask in masks.items()})
    assert np.array_equal(stacked.mask(), expected)
    assert found.volume.spacing == pytest.approx(phantom.spacing)


def test_slices_of_a_tumor_without_a_mask_leave_the_volume_without_a_reference(tmp_path: Path) -> None:
    table = dicom_table(tmp_path / "data", [bright_phantom()])
    ((name, samples),) = table.volumes.items()
    first = next(i for i, sample in enumerate(samples) if sample.mask)
    without = [replace(one, mask=None) if i == first else one for i, one in enumerate(samples)]
    assert opened(name, samples).reference() is not None
    assert opened(name, without).reference() is None


def test_slices_that_make_no_volume_give_the_reason(tmp_path: Path) -> None:
    phantom = bright_phantom()
    table = dicom_table(tmp_path / "data", [phantom])
    ((name, samples),) = table.volumes.items()
    assert open_table_volume(name, [*samples[:4], *samples[6:]]) == "slices that are not equally spaced"
    image = replace(samples[0], image=tmp_path / "data" / "masks-0" / "000.png")
    assert open_table_volume(name, [image]) == "slices that are images without a place in the patient"
    assert open_table_volume(name, [*samples, image]) == "slices of several files or planes"
