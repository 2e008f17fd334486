"""A DICOM study of one phantom: valid, repeatable, and where independent readers expect it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.cli import main
from tumorlens.datasets.phantom import render_volume
from tumorlens.datasets.phantom.phantom_study import (
    STUDY_SERIES,
    PhantomSeries,
    phantom_studies,
    phantom_study,
    series_images,
)
from tumorlens.errors import DataError


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom_study(tmp_path_factory.mktemp("study") / "study", slices=4, size=64, gap=6.0)


def test_every_series_has_a_folder_and_its_images(study: Path) -> None:
    counts = {folder.name: len(list(folder.iterdir())) for folder in sorted(study.iterdir())}
    assert counts == {
        "01_localizer": 9,
        "02_T1_axial": 4,
        "03_T1_axial_post_contrast": 4,
        "04_T2_axial": 4,
        "05_FLAIR_axial": 4,
        "06_DWI_axial": 8,
        "07_CT_head": 4,
        "08_T1_axial_post_contrast_enhanced": 1,
        "09_T1_axial_post_contrast_mosaic": 1,
    }
    images = [pydicom.dcmread(path) for path in study.rglob("*.dcm")]
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images}) == len(STUDY_SERIES)
    assert len({image.StudyInstanceUID for image in images}) == 1
    assert {image.PatientIdentityRemoved for image in images} == {"YES"}


def test_pixels_and_places_are_those_of_the_volume(study: Path) -> None:
    volume = render_volume("glioma", 0, slices=4, gap=6.0, size=64)
    for position, path in enumerate(sorted((study / "03_T1_axial_post_contrast").iterdir())):
        image = pydicom.dcmread(path)
        assert np.array_equal(image.pixel_array, volume.voxels[position])
        assert list(image.ImagePositionPatient) == pytest.approx((volume.affine @ [position, 0, 0, 1])[:3], abs=1e-5)
        assert list(image.ImageOrientationPatient) == pytest.approx([1, 0, 0, 0, 1, 0])
        assert "gadolinium" in image.ContrastBolusAgent


def test_the_same_seed_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    again = phantom_study(tmp_path / "again", slices=4, size=64, gap=6.0, series=STUDY_SERIES[2:3])
    for path in again.rglob("*.dcm"):
        assert path.read_bytes() == (study / path.relative_to(again)).read_bytes()


def test_diffusion_has_two_volumes_at_the_same_places() -> None:
    diffusion = next(one for one in STUDY_SERIES if one.b_values)
    images = list(series_images(diffusion, slices=4, size=64))
    places = [tuple(image.ImagePositionPatient) for image in images]
    assert places[:4] == places[4:]
    assert [image.DiffusionBValue for image in images] == [0.0] * 4 + [1000.0] * 4
    assert {hashlib.sha256(image.PixelData).digest() for image in images[:4]}.isdisjoint(
        hashlib.sha256(image.PixelData).digest() for image in images[4:]
    )


def test_the_command_writes_one_study_or_several_of_alternating_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--study", "--slices", "2", "--size", "48", "--seed", "1", "--json"]
    assert main(["data", "phantom", str(tmp_path / "studies"), "--patients", "2", *small]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["studies"] == ["phantom0100000", "phantom0100001"]
    for name in found["studies"]:
        (patient,) = {pydicom.dcmread(path).PatientID for path in (tmp_path / "studies" / name).rglob("*.dcm")}
        assert patient == name
    assert main(["data", "phantom", str(tmp_path / "studies"), *small]) == 1


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with assert_refused(DataError, found="already exists", file=re.escape(str(tmp_path))):
        phantom_study(tmp_path)


@pytest.mark.parametrize("write", [phantom_study, phantom_studies])
def test_nothing_is_left_of_a_study_that_cannot_be_made(write: Callable[..., Path], tmp_path: Path) -> None:
    with assert_refused(DataError, found="1 slices"):
        write(tmp_path / "study", slices=1, size=48)  # the localizer has its own number of slices and could be made
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(study: Path) -> None:
    for folder in study.iterdir():
        first = min(folder.iterdir())
        done = subprocess.run(["dciodvfy", "-new", str(first)], capture_output=True, text=True, check=False)
        errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
        assert errors == [], folder.name


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize(
    ("label", "storage"),
    [("glioma", "single-frame"), ("no_tumor", "single-frame"), ("glioma", "enhanced"), ("glioma", "mosaic")],
)
def test_dcm2niix_finds_the_same_affine(plane: str, label: str, storage: str, tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix is not installed")
    tags = STUDY_SERIES[2].tags
    if storage == "mosaic":
        tags = (*tags, ("Manufacturer", "SIEMENS"))  # its private elements are read of no other manufacturer
    series = PhantomSeries(3, "T1", ("T1 post",), (plane,), tags=tags, storage=storage)
    folder = phantom_study(tmp_path / "study", label=label, slices=5, size=64, gap=4.0, series=[series])
    (tmp_path / "out").mkdir()
    subprocess.run(
        [program, "-z", "n", "-f", "x", "-o", str(tmp_path / "out"), str(folder)], check=True, capture_output=True
    )
    image = nibabel.load(tmp_path / "out" / "x.nii")
    volume = render_volume(label, 0, plane=plane, slices=5, size=64, gap=4.0)
    values = np.asarray(image.dataobj).ravel()
    indexes = np.indices(image.shape).reshape(len(image.shape), -1)
    places = (image.affine[:3, :3] @ indexes + image.affine[:3, 3:]).T
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    for index in [(0, 0, 0), (4, 63, 63), (2, 30, 40), (1, 50, 20)]:
        place = (lps_to_ras @ volume.affine @ [*index, 1.0])[:3]
        distances = np.linalg.norm(places - place, axis=1)
        assert distances.min() < 1e-2
        assert values[distances.argmin()] == volume.voxels[index]
