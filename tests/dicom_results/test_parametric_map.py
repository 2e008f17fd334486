"""A parametric map has the probability of each voxel, at its place, as what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.hard_dicom import CASES
from tests.fixtures.known_results import chosen, entries, known_result, lesion
from tests.fixtures.refusal import assert_refused
from tumorlens import dicom_results
from tumorlens.errors import DicomResultError
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")


@pytest.mark.parametrize("name", ["plain", "slices_reversed", "oblique", "enhanced_frames_shuffled"])
def test_each_frame_has_the_probabilities_of_its_source(name: str, tmp_path: Path) -> None:
    path = CASES[name].write(tmp_path)
    read, choice = chosen(path, entries(path)[0])
    result = known_result(read, lesion(read.size), choice)
    assert result.probability is not None
    made = dicom_results.pm(result)
    frames = np.frombuffer(made.FloatPixelData, "<f4").reshape(made.NumberOfFrames, made.Rows, made.Columns)
    index = {(one.sop_instance_uid, one.frame): i for i, one in enumerate(read.sources)}
    for pixels, groups in zip(frames, made.PerFrameFunctionalGroupsSequence, strict=True):
        (image,) = groups.DerivationImageSequence[0].SourceImageSequence
        frame = image.get("ReferencedFrameNumber")
        i = index[image.ReferencedSOPInstanceUID, None if frame is None else int(frame)]
        assert np.array_equal(pixels, result.probability[i].astype(np.float32))
        assert groups.PlanePositionSequence[0].ImagePositionPatient == pytest.approx(read.origins[i], abs=0.25)


def test_it_is_called_a_probability_without_unit(plain: StudyResult) -> None:
    made = dicom_results.pm(plain)
    (mapping,) = made.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.LUTExplanation == "tumor probability"
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
    assert made.ContentQualification == "RESEARCH"
    assert "tumor probability" in made.SeriesDescription


def test_a_model_without_a_mask_has_none(plain: StudyResult) -> None:
    with assert_refused(DicomResultError, found="does not segment", expected="parametric map"):
        dicom_results.pm(replace(plain, probability=None))
