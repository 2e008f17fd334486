"""The reports say what was measured, of which segment or image, and that nothing was found where it was not."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from tests.fixtures.hard_dicom import CASES
from tests.fixtures.known_results import chosen, entries, known_result, lesion
from tests.fixtures.refusal import assert_refused
from tumorlens import dicom_results
from tumorlens.dicom_results.codes import class_code, private_code
from tumorlens.errors import DicomResultError
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")


def items(item: Dataset) -> list[Dataset]:
    """All content items below one, in their order."""
    found = []
    for one in item.get("ContentSequence", ()):
        found += [one, *items(one)]
    return found


def groups(made: Dataset) -> list[list[Dataset]]:
    """The items of each measurement group."""
    return [items(one) for one in items(made) if name(one) == "Measurement Group"]


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning) if "ConceptNameCodeSequence" in item else ""


def numbers(group: list[Dataset]) -> dict[str, tuple[float, str]]:
    """Name of each measurement -> value and unit."""
    found = {}
    for item in group:
        if item.ValueType == "NUM":
            (value,) = item.MeasuredValueSequence
            found[name(item)] = float(value.NumericValue), str(value.MeasurementUnitsCodeSequence[0].CodeValue)
    return found


def coded(group: list[Dataset]) -> dict[str, str]:
    """Name of each evaluation -> code."""
    return {name(one): str(one.ConceptCodeSequence[0].CodeValue) for one in group if one.ValueType == "CODE"}


def test_a_group_for_machines_has_all_that_was_measured_of_its_segment(plain: StudyResult) -> None:
    made = dicom_results.sr_measurements(plain)
    segmentation = dicom_results.seg(plain)
    *of_findings, _ = groups(made)
    assert len(of_findings) == len(plain.findings) == 2
    for group, finding, segment in zip(of_findings, plain.findings, segmentation.SegmentSequence, strict=True):
        values = numbers(group)
        assert values["Volume"] == (pytest.approx(finding.ml, abs=1e-3), "ml")
        assert values["Long Axis"] == (pytest.approx(finding.long_axis_mm, abs=0.01), "mm")
        assert values["Short Axis"] == (pytest.approx(finding.short_axis_mm, abs=0.01), "mm")
        assert values["Probability of no tumor"] == (0.06, "1")
        assert values["Probability of any tumor"] == (pytest.approx(0.94), "1")
        assert coded(group)["Class with the highest probability"] == "C3059"
        assert coded(group)["Finding"] == "108369006"
        assert coded(group)["Above the limit of the study"] == "373066001"
        texts = {name(one): str(one.get("TextValue") or one.get("UID")) for one in group}
        assert texts["Tracking Identifier"] == segment.TrackingID
        assert texts["Tracking Unique Identifier"] == segment.TrackingUID
        (reference,) = [one for one in group if name(one) == "Referenced Segment"]
        (image,) = reference.ReferencedSOPSequence
        assert image.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID
        assert image.ReferencedSegmentNumber == finding.number


def test_the_group_of_the_study_has_its_conclusion_and_never_healthy(plain: StudyResult) -> None:
    nothing = known_result(plain.volume, np.zeros_like(plain.labels), plain.choice)
    for result, conclusion, count in ((plain, "ABOVE_LIMIT", 2), (nothing, "NONE_ABOVE_LIMIT", 0)):
        made = dicom_results.sr_measurements(result)
        group = groups(made)[-1]
        assert coded(group)["Conclusion for the study"] == conclusion
        assert numbers(group)["Number of findings"] == (count, "{count}")
        assert numbers(group)["Out-of-distribution slices"] == (1, "{count}")
        assert coded(group)["Series is T1 after contrast"] in ("373066001", "373067005", "UNKNOWN")
        assert "healthy" not in str(made).lower()
    assert len(groups(dicom_results.sr_measurements(nothing))) == 1


def test_a_result_that_is_undetermined_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    read, choice = chosen(CASES["slice_missing"].write(tmp_path_factory.mktemp("missing")))
    made = dicom_results.sr_measurements(known_result(read, lesion(read.size), choice))
    assert coded(groups(made)[-1])["Conclusion for the study"] == "UNDETERMINED"


def test_the_report_for_viewers_has_coordinates_in_the_image_of_the_largest_slice(plain: StudyResult) -> None:
    made = dicom_results.sr_outlines(plain)
    outline, axes = groups(made)[:2]
    finding = plain.findings[0]
    expected = plain.volume.sources[finding.largest_slice].sop_instance_uid
    for group in groups(made):
        assert any(one.ValueType == "SCOORD" for one in group)  # OHIF shows nothing of a group without
    for item in (*outline, *axes):
        if item.ValueType == "IMAGE":
            assert item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == expected
    assert numbers(outline)["Area"] == (pytest.approx(finding.lesion.mm2, abs=0.1), "mm2")
    assert set(numbers(axes)) == {"Long Axis", "Short Axis"}
    (region,) = [one for one in outline if one.ValueType == "SCOORD"]
    points = np.array(region.GraphicData).reshape(-1, 2)
    inside = np.argwhere(plain.labels[finding.largest_slice] == 1)
    assert points.min(0).tolist() == inside.min(0)[::-1].tolist()
    assert points.max(0).tolist() == (inside.max(0)[::-1] + 1).tolist()


def test_coordinates_in_an_enhanced_file_name_its_frame(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = CASES["enhanced_frames_shuffled"].write(tmp_path_factory.mktemp("enhanced"))
    read, choice = chosen(path, entries(path)[0])
    result = known_result(read, lesion(read.size), choice)
    outlines = [one for one in groups(dicom_results.sr_outlines(result)) if "Area" in numbers(one)]
    frames = [read.sources[one.largest_slice].frame for one in result.findings]
    for group, frame in zip(outlines, frames, strict=True):
        (image,) = [one for one in group if one.ValueType == "IMAGE"]
        assert image.ReferencedSOPSequence[0].ReferencedFrameNumber == frame
    assert frames != [one.largest_slice + 1 for one in result.findings]  # the file is shuffled


def test_both_reports_are_preliminary_and_have_the_same_identifiers_again(plain: StudyResult) -> None:
    for make in (dicom_results.sr_measurements, dicom_results.sr_outlines):
        first, second = make(plain), make(plain)
        assert (first.PreliminaryFlag, first.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
        assert first.SOPInstanceUID == second.SOPInstanceUID
        assert first.PatientIdentityRemoved == "YES"
        assert "research only" in first.SeriesDescription


def test_without_findings_there_is_no_report_for_viewers(plain: StudyResult) -> None:
    nothing = known_result(plain.volume, np.zeros_like(plain.labels), plain.choice)
    with assert_refused(DicomResultError, found="nothing was found", expected="outlines"):
        dicom_results.sr_outlines(nothing)


def test_a_code_is_short_and_stays_unique() -> None:
    long = [private_code(f"P_{text}", "x").value for text in ("a very long class name", "a very long class nape")]
    assert max(map(len, long)) <= 16
    assert len(set(long)) == 2
    assert class_code("meningioma").scheme_designator == "NCIt"
    assert class_code("metastasis").scheme_designator == "99TUMORLENS"
