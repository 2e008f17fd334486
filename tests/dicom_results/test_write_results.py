"""Files of a result: all that is wanted, nothing of an earlier run, and a reason for what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from tests.fixtures.hard_dicom import CASES
from tests.fixtures.known_results import chosen, known_result, lesion
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import DicomResultError
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.result_kinds import RESULT_KINDS
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")
ALL = {
    "seg": ["seg.dcm"],
    "labelmap": ["seg_labelmap.dcm"],
    "sr": ["sr_measurements.dcm", "sr_outlines.dcm"],
    "pm": ["pm.dcm"],
    "sc": ["sc_001.dcm", "sc_002.dcm", "sc_003.dcm"],
    "nifti": ["mask.nii.gz", "probability.nii.gz"],
}


def test_each_kind_has_its_files_and_a_series_of_its_own(plain: StudyResult, tmp_path: Path) -> None:
    written = plain.write(tmp_path / "new", RESULT_KINDS)
    assert written.to_dict() == {"files": ALL, "left_out": {}, "refused": {}}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        name for names in ALL.values() for name in names
    )
    objects = [pydicom.dcmread(path) for path in (tmp_path / "new").glob("*.dcm")]
    assert {one.StudyInstanceUID for one in objects} == {plain.choice.study_instance_uid}
    assert {one.SeriesNumber for one in objects} == {9001, 9002, 9003, 9004, 9005, 9006}
    assert len({one.SeriesInstanceUID for one in objects}) == 6
    assert len({one.SOPInstanceUID for one in objects}) == len(objects)
    assert all("research only" in one.SeriesDescription for one in objects)
    assert all(one.PatientIdentityRemoved == "YES" for one in objects)


def test_a_second_run_that_finds_less_leaves_nothing_of_the_first(plain: StudyResult, tmp_path: Path) -> None:
    plain.write(tmp_path, RESULT_KINDS)
    (tmp_path / "sc_notes.dcm").write_bytes(b"of the user")
    nothing = known_result(plain.volume, np.zeros_like(plain.labels), plain.choice)
    written = nothing.write(tmp_path, RESULT_KINDS)
    assert set(written.left_out) == {"seg", "labelmap"}
    assert written.refused == {}
    expected = ["mask.nii.gz", "pm.dcm", "probability.nii.gz", "sc_001.dcm", "sc_notes.dcm", "sr_measurements.dcm"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected


def test_a_report_brings_the_segmentation_that_it_refers_to(plain: StudyResult, tmp_path: Path) -> None:
    assert set(plain.write(tmp_path, ["sr"]).files) == {"seg", "sr"}


def test_what_cannot_be_written_has_a_reason_and_the_rest_is_written(plain: StudyResult, tmp_path: Path) -> None:
    save_nifti(np.asarray(plain.volume), plain.volume, tmp_path / "head.nii.gz")
    read = read_nifti_volume(tmp_path / "head.nii.gz")
    written = known_result(read, lesion(read.size)).write(tmp_path / "out", ["seg", "pm", "nifti"])
    assert set(written.files) == {"nifti"}
    assert set(written.refused) == {"seg", "pm"}
    assert "was not read from DICOM files" in written.refused["seg"]
    missing = replace(plain, probability=None).write(tmp_path / "b", ["pm", "seg"])
    assert set(missing.refused) == {"pm"}
    assert set(missing.files) == {"seg"}


def test_an_irregular_stack_has_no_nifti_file(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    read, choice = chosen(CASES["slice_missing"].write(tmp_path / "s"))
    written = known_result(read, lesion(read.size), choice).write(tmp_path / "out", ["nifti", "sr"])
    assert "no common grid" in written.refused["nifti"]
    assert "sr" in written.files


def test_an_unknown_kind_is_refused(plain: StudyResult, tmp_path: Path) -> None:
    with assert_refused(DicomResultError, found="no kind 'rtstruct'", expected="seg, labelmap, sr"):
        plain.write(tmp_path, ["rtstruct"])
    assert list(tmp_path.iterdir()) == []


def test_nifti_files_are_on_the_grid_of_the_input(plain: StudyResult, tmp_path: Path) -> None:
    plain.write(tmp_path, ["nifti"])
    mask, probability = (nibabel.load(tmp_path / name) for name in ("mask.nii.gz", "probability.nii.gz"))
    assert plain.volume.affine is not None
    expected = np.diag([-1, -1, 1, 1]) @ plain.volume.affine[:, [2, 1, 0, 3]]
    for image in (mask, probability):
        assert image.affine == pytest.approx(expected, abs=1e-4)
        assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (1, 1)
    assert np.array_equal(np.asarray(mask.dataobj).T, plain.labels)
    assert probability.get_data_dtype() == np.float32
    assert np.array_equal(np.asarray(probability.dataobj).T, plain.probability)
