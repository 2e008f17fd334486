"""Which studies a place holds, and which series of a study is predicted."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import phantom_study, render_volume
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES
from tumorlens.errors import ScanError, StudyError
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.find_inputs import find_inputs
from tumorlens.studies.find_studies import find_studies, read_volume


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Localizer, T1, T1 after contrast and T2."""
    return phantom_study(tmp_path_factory.mktemp("study") / "s", slices=5, size=32, series=STUDY_SERIES[:4])


def test_the_rule_chooses_t1_after_contrast_and_keeps_the_reason_of_each_other(study: Path) -> None:
    (source,) = find_studies(study).studies
    volume, choice = source.choose()
    assert (choice.use, choice.chosen, choice.reason) == ("yes", "rule", "T1 after contrast")
    assert choice.series is not None
    assert choice.series["series_number"] == 3
    assert volume.size == (5, 32, 32)
    reasons = {one["series_number"]: one["reason"] for one in choice.passed_over}
    assert set(reasons) == {1, 2, 4}
    assert "T2" in reasons[4]
    assert choice.study_instance_uid
    assert choice.flags == []


def test_of_two_series_that_can_be_used_the_other_says_why_it_was_passed_over(study: Path, tmp_path: Path) -> None:
    two = phantom_study(tmp_path / "two", slices=5, size=32, series=(STUDY_SERIES[2], STUDY_SERIES[7]))
    (source,) = find_studies(two).studies
    (other,) = source.choose()[1].passed_over
    assert "another series has more slices" in other["reason"]


def test_a_series_that_is_named_is_taken_with_a_flag(study: Path) -> None:
    (source,) = find_studies(study).studies
    volume, choice = source.choose("4")
    assert (choice.use, choice.chosen) == ("no", "user")
    assert "T2" in choice.flags[0]
    assert choice.series is not None
    assert source.choose(choice.series["series_instance_uid"])[0].sources == volume.sources
    with assert_refused(StudyError, found="no series '44'", expected="one of 1, 2, 3, 4"):
        source.choose("44")


def test_without_t1_after_contrast_nothing_is_taken_unless_asked(study: Path, tmp_path: Path) -> None:
    for name in ("02_*", "04_*"):
        (folder,) = study.glob(name)
        shutil.copytree(folder, tmp_path / "part" / folder.name)
    (source,) = find_studies(tmp_path / "part").studies
    with assert_refused(StudyError, found="T2: echo time", expected="T1 after contrast", advice="--any-series"):
        source.choose()
    _, choice = source.choose(any_series=True)
    assert (choice.use, choice.chosen) == ("unknown", "rule")
    assert choice.series is not None
    assert choice.series["series_number"] == 2


def test_a_folder_holds_studies_and_images_and_each_is_told_by_its_content(study: Path, tmp_path: Path) -> None:
    phantom = render_volume("no_tumor", 0, slices=3, size=32)
    place = tmp_path / "place"
    place.mkdir()
    save_nifti(phantom.voxels, phantom.to_volume(), place / "head.nii.gz")
    shutil.copytree(study, place / "first")
    phantom_study(place / "second", seed=5, slices=5, size=32, series=STUDY_SERIES[2:3])
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(place / "key image.png")
    (place / "README").write_text("no image")
    found = find_inputs([place])
    assert [path.name for path in found.images] == ["key image.png"]
    assert [source.path.name for source in found.studies] == ["place", "place", "head.nii.gz"]
    assert len({source.study_uid for source in found.studies}) == 3
    with assert_refused(StudyError, found="holds 3 studies", advice="name its folder"):
        read_volume(place)


def test_one_slice_is_an_image_and_several_are_a_study(study: Path, tmp_path: Path) -> None:
    first = next(iter(sorted(study.glob("03_*/*"))))
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 8, 1), np.uint8), np.eye(4)), tmp_path / "one.nii")
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 8, 4), np.uint8), np.eye(4)), tmp_path / "four.nii")
    found = find_inputs([first, tmp_path / "one.nii", tmp_path / "four.nii", tmp_path / "missing.png"])
    assert [path.name for path in found.images] == [first.name, "one.nii", "missing.png"]
    assert [source.path.name for source in found.studies] == ["four.nii"]


def test_a_zip_archive_is_a_study_and_a_bad_file_in_it_is_named(study: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in sorted(study.glob("03_*/*")):
            archive.write(path, f"deep/{path.name}")
        archive.writestr("deep/cut.dcm", next(iter(study.glob("02_*/*"))).read_bytes()[:700])
    found = find_inputs([tmp_path / "study.zip"])
    assert len(found.studies) == 1
    assert found.studies[0].choose()[0].size == (5, 32, 32)
    left_out = [*found.failed, *(one.reason for one in found.studies[0].refusals)]
    assert len(left_out) == 1
    (tmp_path / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert find_inputs([tmp_path / "empty.zip"]).failed == (f"{tmp_path / 'empty.zip'}: holds no DICOM or NIfTI file",)


def test_a_place_without_a_study_is_an_error(tmp_path: Path) -> None:
    with assert_refused(StudyError, found="holds no study", expected="a DICOM series or a NIfTI file"):
        read_volume(tmp_path)
    with assert_refused(ScanError, found="does not exist"):
        read_volume(tmp_path / "missing")


def test_a_nifti_file_in_an_archive_is_read_from_memory(tmp_path: Path) -> None:
    phantom = render_volume("no_tumor", 0, slices=3, size=32)
    save_nifti(phantom.voxels, phantom.to_volume(), tmp_path / "head.nii.gz")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "head.nii.gz", "head.nii.gz")
    assert np.array_equal(np.asarray(read_volume(tmp_path / "a.zip")), phantom.voxels)
