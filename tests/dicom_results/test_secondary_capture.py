"""Secondary captures show the overview and each finding, and say that they are for research."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.known_results import known_result
from tumorlens import dicom_results
from tumorlens.studies.slice_images import slice_image
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")


def test_the_images_are_those_of_the_report_with_a_line_of_text_below(plain: StudyResult) -> None:
    overview, first, second = dicom_results.sc(plain)
    assert overview.SeriesInstanceUID == first.SeriesInstanceUID == second.SeriesInstanceUID
    assert len({one.SOPInstanceUID for one in (overview, first, second)}) == 3
    expected = np.asarray(slice_image(plain, plain.findings[0].largest_slice, plain.findings[0]).convert("RGB"))
    pixels = first.pixel_array
    left = (pixels.shape[1] - expected.shape[1]) // 2
    height = expected.shape[0]
    assert np.array_equal(pixels[:height, left : left + expected.shape[1]], expected)
    assert (pixels[height:] == 255).any()  # the text
    assert not (expected == pixels[:height, :1]).all()


def test_the_sides_of_the_patient_are_those_of_an_upright_axial_image(plain: StudyResult) -> None:
    overview = dicom_results.sc(plain)[0]
    assert list(overview.PatientOrientation) == ["L", "P"]
    assert overview.BurnedInAnnotation == "NO"
    assert "research only" in overview.SeriesDescription


def test_without_findings_there_is_the_overview_alone(plain: StudyResult) -> None:
    nothing = known_result(plain.volume, np.zeros_like(plain.labels), plain.choice)
    assert len(dicom_results.sc(nothing)) == 1
