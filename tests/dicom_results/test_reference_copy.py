"""The reference copy keeps who and where, drops what cannot be true, and never brings back what was removed."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.config import disable_value_validation

from tests.fixtures.hard_case import images, save, volume
from tests.fixtures.hard_dicom import CASES
from tests.fixtures.known_results import chosen, entries, known_result, lesion
from tests.fixtures.refusal import assert_refused
from tumorlens import dicom_results
from tumorlens.dicom_results.reference_copy import decimals, reference_copy
from tumorlens.errors import DicomResultError

pytest.importorskip("highdicom")


def changed(folder: Path, **values: object) -> Path:
    """A series with these header values in each image."""
    made = images()
    with disable_value_validation():
        for image in made:
            for keyword, value in values.items():
                setattr(image, keyword, value)
        return save(made, folder)


UGLY = {
    "PatientBirthDate": ("***", ""),
    "StudyDate": ("20261345", ""),
    "StudyTime": ("midnight", ""),
    "PatientSex": ("0000", ""),
    "BodyPartExamined": ("HIRN", "HEAD"),
}


@pytest.mark.parametrize("keyword", UGLY)
def test_a_value_that_cannot_be_true_becomes_empty_or_the_head(keyword: str, tmp_path: Path) -> None:
    ugly, expected = UGLY[keyword]
    read, choice = chosen(changed(tmp_path, **{keyword: ugly}))
    copy = reference_copy(read).first
    assert copy.get(keyword) == expected
    assert dicom_results.seg(known_result(read, lesion(read.size), choice)).get(keyword) in (expected, None)


@pytest.mark.parametrize(
    ("keyword", "good"),
    [
        ("PatientBirthDate", "19700228"),
        ("StudyTime", "120102.5"),
        ("PatientSex", "F"),
        ("PatientAge", "042Y"),
        ("BodyPartExamined", "BRAIN"),
        ("PatientID", "1234"),
        ("AccessionNumber", "A1"),
    ],
)
def test_a_good_value_reaches_the_object(keyword: str, good: str, tmp_path: Path) -> None:
    read, choice = chosen(changed(tmp_path, **{keyword: good}))
    assert dicom_results.seg(known_result(read, lesion(read.size), choice)).get(keyword) == good


def test_an_age_without_unit_is_removed(tmp_path: Path) -> None:
    assert "PatientAge" not in reference_copy(chosen(changed(tmp_path, PatientAge="42"))[0]).first


def test_missing_values_of_type_2_are_empty_and_a_frame_of_reference_is_derived(tmp_path: Path) -> None:
    made = images()
    for image in made:
        for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyID", "FrameOfReferenceUID", "StudyDate"):
            del image[keyword]
    read, choice = chosen(save(made, tmp_path))
    first = reference_copy(read).first
    assert [first[keyword].value for keyword in ("PatientID", "AccessionNumber", "StudyID", "StudyDate")] == [""] * 4
    assert first.FrameOfReferenceUID == reference_copy(read).first.FrameOfReferenceUID
    assert dicom_results.seg(known_result(read, lesion(read.size), choice)).PatientName == ""


def test_what_was_removed_from_the_source_stays_removed(tmp_path: Path) -> None:
    """A de-identified source stays de-identified, and an object has no patient value that its source lacks."""
    codes = [Dataset()]
    codes[0].CodeValue, codes[0].CodingSchemeDesignator = "113100", "DCM"
    codes[0].CodeMeaning = "Basic Application Confidentiality Profile"
    method = ["first step", "second step"]
    path = changed(tmp_path, DeidentificationMethod=method, DeidentificationMethodCodeSequence=codes, PatientName="")
    read, choice = chosen(path)
    made = dicom_results.seg(known_result(read, lesion(read.size), choice))
    assert made.PatientIdentityRemoved == "YES"
    assert list(made.DeidentificationMethod) == method
    assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert made.PatientName == ""
    source = images()[0]
    for keyword in (
        "InstitutionName",
        "StationName",
        "OperatorsName",
        "PatientAddress",
        "PatientAge",
        "OtherPatientIDs",
    ):
        assert keyword not in source
        assert keyword not in made


def test_the_copy_has_no_pixels_and_no_other_element_of_the_scanner(tmp_path: Path) -> None:
    read, _ = chosen(changed(tmp_path, InstitutionName="Obergurgl", OperatorsName="Plumtree", ProtocolName="T1"))
    copy = reference_copy(read).first
    for keyword in ("PixelData", "InstitutionName", "OperatorsName", "ProtocolName", "ContrastBolusAgent"):
        assert keyword not in copy


@pytest.mark.parametrize("name", ["names_iso_2022", "names_utf8"])
def test_a_name_in_another_script_is_the_same_in_the_object(name: str, tmp_path: Path) -> None:
    import pydicom

    path = CASES[name].write(tmp_path)
    read, choice = chosen(path)
    source = pydicom.dcmread(next(path.glob("*.dcm")))
    made = dicom_results.seg(known_result(read, lesion(read.size), choice))
    made.save_as(tmp_path / "seg.dcm")
    assert str(pydicom.dcmread(tmp_path / "seg.dcm").PatientName) == str(source.PatientName)
    assert not str(source.PatientName).isascii()


def test_cosines_are_one_for_all_slices_and_each_position_is_its_own(tmp_path: Path) -> None:
    path = CASES["cosines_differing"].write(tmp_path)
    reference = reference_copy(chosen(path)[0])
    assert len({tuple(header.ImageOrientationPatient) for header in reference.headers}) == 1
    assert len({tuple(header.ImagePositionPatient) for header in reference.headers}) == len(reference.headers)


def test_an_enhanced_file_is_one_header_with_the_frames_of_the_stack_in_its_order(tmp_path: Path) -> None:
    path = CASES["enhanced_two_stacks"].write(tmp_path)
    for entry in entries(path):
        read, _ = chosen(path, entry)
        reference = reference_copy(read)
        assert len(reference.headers) == 1
        assert reference.first.NumberOfFrames == len(read)
        assert reference.frames == tuple(source.frame for source in read.sources)
        assert reference.frame_numbers(3) == [read.sources[3].frame]
        positions = [
            groups.PlanePositionSequence[0].ImagePositionPatient
            for groups in reference.first.PerFrameFunctionalGroupsSequence
        ]
        assert np.allclose(np.array(positions, float), read.origins, atol=0.01)


def test_slices_in_several_enhanced_files_are_refused(tmp_path: Path) -> None:
    from tests.fixtures.hard_multiframe import enhanced

    first, second = enhanced(images()[:5]), enhanced(images()[5:])
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = f"{first.SOPInstanceUID}1"
    read, _ = chosen(save([first, second], tmp_path))
    assert len(read) == len(volume().voxels)
    with assert_refused(DicomResultError, found="2 files with several frames", expected="one file"):
        reference_copy(read)


def test_no_name_or_number_of_the_patient_is_logged_or_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    secrets = {"PatientName": "Zebedee Quark", "PatientID": "XQ-4711", "PatientBirthDate": "**1937**"}
    read, choice = chosen(changed(tmp_path, **secrets))
    caplog.clear()
    recwarn.clear()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("highdicom").setLevel(logging.DEBUG)
        made = dicom_results.seg(known_result(read, lesion(read.size), choice))
    assert made.PatientID == "XQ-4711"
    everything = caplog.text + " ".join(str(one.message) for one in recwarn)
    assert [value for value in secrets.values() if value in everything] == []
    assert logging.getLogger("highdicom").level == logging.DEBUG  # as it was before
    logging.getLogger("highdicom").setLevel(logging.NOTSET)


def test_a_refusal_of_highdicom_is_one_line_without_values_of_the_header(tmp_path: Path) -> None:
    read, choice = chosen(changed(tmp_path, SOPClassUID="1.3.46.670589.11.0.0.12.1", PatientName="Zebedee"))
    with assert_refused(DicomResultError, found="highdicom refuses the headers for SEG", advice="NIfTI") as error:
        dicom_results.seg(known_result(read, lesion(read.size), choice))
    assert "Zebedee" not in str(error.value)


@pytest.mark.parametrize("value", [0.0, 1 / 3, -123456.7890123456, 6e-8, 1e-17, 123456789.123456789])
def test_a_decimal_has_at_most_16_characters_and_keeps_its_value(value: float) -> None:
    (text,) = decimals([value])
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-9, abs=1e-15)
