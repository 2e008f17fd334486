"""A NIfTI mask lies where its affine says, on the voxels of its volume, or is refused with both grids."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import volumes
from tests.fixtures.dicom_table import bright_phantom, dicom_table, write_nifti
from tests.fixtures.refusal import assert_refused
from tumorlens.cli import main
from tumorlens.datasets import Table, open_table, read_sample_mask
from tumorlens.errors import DataError, ScanError
from tumorlens.evaluation import Predictions, evaluate
from tumorlens.predictions.read_predictions import read_predictions

pytestmark = pytest.mark.usefixtures("plain_charts")


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return volumes.write_heads(tmp_path_factory.mktemp("volumes") / "heads")


@pytest.fixture(scope="module")
def table(heads: Path) -> Table:
    return open_table(heads)


def assert_equal_to_reference(found: Predictions, table: Table) -> None:
    """Every slice, and the volumes as a whole."""
    assert len(found.masks) == len(table)
    shown = 0
    for sample, mask in zip(found.table, found.masks, strict=True):
        reference = read_sample_mask(sample)
        assert reference is not None
        assert (mask.unpack() == reference).all(), sample.id
        shown += reference.any()
    assert shown
    result = evaluate(found, n_resamples=50).to_dict()["analyses"]["volumes"]
    assert [case["dice"] for case in result["cases"]] == [1.0] * len(table.volumes)


def test_a_mask_in_another_order_of_axes_lies_on_the_same_place(table: Table, tmp_path: Path) -> None:
    for i in range(3):
        mask = volumes.ellipsoid(radii=(7, 8, 2.5 + i)) * (i < 2)
        volumes.save(tmp_path / f"head-{i}.nii.gz", *volumes.stored_otherwise(mask))
    assert_equal_to_reference(read_predictions(tmp_path, table), table)


@pytest.mark.parametrize("name", ["head-{}", "head-{}_pred", "head-{}_seg", "heads/head-{}", "out/head-{}-mask"])
def test_masks_are_found_by_the_names_that_tools_give_them(table: Table, tmp_path: Path, name: str) -> None:
    for i in range(3):
        mask = volumes.ellipsoid(radii=(7, 8, 2.5 + i)) * (i < 2)
        volumes.save(tmp_path / f"{name.format(i)}.nii.gz", mask)
    assert_equal_to_reference(read_predictions(tmp_path, table), table)


@pytest.mark.parametrize(
    ("image", "mask", "predicted"),
    [
        ("imagesTr/case_001_0000", "labelsTr/case_001", "case_001"),
        ("P1/P1-t1c", "P1/P1-seg", "P1"),
        ("P1/scan", "P1/scan_mask", "P1/scan"),
    ],
)
def test_a_name_without_channel_or_sequence_means_its_volume(
    tmp_path: Path, image: str, mask: str, predicted: str
) -> None:
    tumor = volumes.ellipsoid()
    volumes.save(tmp_path / "data" / f"{image}.nii.gz", volumes.head(tumor))
    volumes.save(tmp_path / "data" / f"{mask}.nii.gz", tumor)
    volumes.save(tmp_path / "predicted" / f"{predicted}.nii.gz", tumor)
    table = open_table(tmp_path / "data")
    assert len(table.volumes) == 1
    assert_equal_to_reference(read_predictions(tmp_path / "predicted", table), table)


def test_another_grid_is_refused_with_both_grids_and_resampled_on_request(table: Table, tmp_path: Path) -> None:
    """The mask has half the voxels along x and ends earlier: the rest counts as no tumor."""
    for i in range(3):
        mask = volumes.ellipsoid(radii=(7, 8, 2.5 + i)) * (i < 2)
        coarse = volumes.AFFINE.copy()
        coarse[:, 0] *= 2
        coarse[:3, 3] += 0.5 * volumes.AFFINE[:3, 0]  # centers of pairs of voxels
        volumes.save(tmp_path / f"head-{i}.nii.gz", mask[0:38:2], coarse)
    with assert_refused(
        ScanError, found="12 x 48 x 19 voxels of 4 x 1.5 x 4 mm", expected="12 x 48 x 40", advice="--resample-masks"
    ):
        read_predictions(tmp_path, table)
    found = evaluate(read_predictions(tmp_path, table, resample_masks=True), n_resamples=50)
    cases = found.to_dict()["analyses"]["volumes"]["cases"]
    expected = np.repeat(volumes.ellipsoid()[0:38:2], 2, axis=0)  # each voxel stands for two
    overlap = np.count_nonzero(expected & volumes.ellipsoid()[:38])
    dice = 2 * overlap / (np.count_nonzero(expected) + np.count_nonzero(volumes.ellipsoid()))
    assert cases[0]["dice"] == pytest.approx(dice, abs=1e-4)
    assert 0.85 < dice < 1
    assert any("resampled" in one for one in found.caveats)


def test_a_grid_of_the_same_size_in_another_place_is_refused(table: Table, tmp_path: Path) -> None:
    moved = volumes.AFFINE.copy()
    moved[2, 3] += 4  # one slice
    for i in range(3):
        volumes.save(tmp_path / f"head-{i}.nii.gz", volumes.ellipsoid(), moved)
    with assert_refused(ScanError, found=r"from \(", expected="the grid of head-0.nii.gz"):
        read_predictions(tmp_path, table)


def test_values_of_a_mask_count_as_they_are_named(table: Table, tmp_path: Path) -> None:
    for i in range(3):
        core = volumes.ellipsoid(radii=(7, 8, 2.5 + i)) * (i < 2)
        around = volumes.ellipsoid(radii=(11, 12, 4 + i)) * (i < 2)
        volumes.save(tmp_path / f"head-{i}.nii.gz", (2 * around - core).astype(np.uint8))  # 1 core, 2 edema
    assert_equal_to_reference(read_predictions(tmp_path, table, mask_labels=[1]), table)
    whole = evaluate(read_predictions(tmp_path, table), n_resamples=50).to_dict()["analyses"]["volumes"]
    assert whole["cases"][0]["dice"] < 0.6


def test_probabilities_are_no_mask(table: Table, tmp_path: Path) -> None:
    volumes.save(tmp_path / "head-0.nii.gz", np.random.default_rng(0).random(volumes.SHAPE).astype(np.float32))
    with assert_refused(ScanError, found="different values", expected="whole numbers", advice="threshold"):
        read_predictions(tmp_path, table, unmatched="ignore")


def test_missing_and_surplus_masks_are_errors_or_are_left_out(table: Table, tmp_path: Path) -> None:
    volumes.save(tmp_path / "head-0.nii.gz", volumes.ellipsoid())
    volumes.save(tmp_path / "head-9.nii.gz", volumes.ellipsoid())
    with assert_refused(DataError, found="the first is 'head-9.nii.gz'", advice="--unmatched ignore"):
        read_predictions(tmp_path, table)
    found = read_predictions(tmp_path, table, unmatched="ignore")
    assert list(found.table.volumes) == ["heads/head-0.nii.gz"]
    assert found.source.predictions_without_image == 1
    assert found.source.images_without_prediction == 20
    volumes.save(tmp_path / "head-0_seg.nii.gz", volumes.ellipsoid())
    with assert_refused(DataError, found="a second mask for heads/head-0.nii.gz", expected="one"):
        read_predictions(tmp_path, table, unmatched="ignore")


def test_the_command_measures_volumes_and_writes_them(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = volumes.write_masks(tmp_path / "masks", shift=1)
    out = tmp_path / "out"
    main(["evaluate", str(masks), "--data", str(heads), "-o", str(out), "--n-resamples", "100"])
    printed = capsys.readouterr().out
    assert "study-level sensitivity" in printed
    assert "3D HD95 (mm)" in printed
    found = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["analyses"]["volumes"]
    assert [case["hd95"] for case in found["cases"]] == [4.0, 4.0, 0.0]  # one slice of 4 mm
    assert found["metrics"]["study_specificity"]["value"] == 1.0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Whole volumes" in page
    assert "lower limit of agreement (ml)" in page
    assert main(["evaluate", str(masks), "--data", str(heads), "--mask-labels", "one"]) == 2


@pytest.mark.parametrize("name", ["series-{}.nii.gz", "series-{}_pred.nii.gz", "deep/series-{}.nii.gz"])
def test_a_mask_of_a_dicom_series_is_called_like_its_folder(tmp_path: Path, name: str) -> None:
    """A mask of the whole series also fits a table without the empty slices at its ends."""
    phantoms = [bright_phantom("meningioma", 1, plane="coronal"), bright_phantom("glioma", 2)]
    table = dicom_table(tmp_path / "data", phantoms)
    ends = {sample.id for samples in table.volumes.values() for sample in (samples[0], samples[-1])}
    table = table.filter(lambda sample: sample.id not in ends)
    for i, phantom in enumerate(phantoms):
        write_nifti(tmp_path / "masks" / name.format(i), phantom.mask, phantom)
    found = read_predictions(tmp_path / "masks", table)
    assert len(found.masks) == len(table)
    for sample, mask in zip(found.table, found.masks, strict=True):
        reference = read_sample_mask(sample)
        assert mask.unpack().any() == (reference is not None)
        assert reference is None or (mask.unpack() == reference).all()
    result = evaluate(found, n_resamples=50).to_dict()["analyses"]["volumes"]
    assert [case["dice"] for case in result["cases"]] == [1.0, 1.0]


def test_a_mask_of_another_grid_than_its_dicom_series_is_refused(tmp_path: Path) -> None:
    phantom = bright_phantom()
    table = dicom_table(tmp_path / "data", [phantom])
    write_nifti(tmp_path / "masks" / "series-0.nii.gz", phantom.mask[:, ::2], phantom)
    with assert_refused(ScanError, found="voxels", expected="the grid of series-0"):
        read_predictions(tmp_path / "masks", table)
