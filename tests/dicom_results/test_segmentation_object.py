"""A SEG is where the findings are, in the frames of its source, in every orientation; or it is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom import Dataset

from tests.fixtures.hard_case import images, save, volume
from tests.fixtures.hard_dicom import CASES, HardCase
from tests.fixtures.known_results import (
    assert_same_points,
    chosen,
    entries,
    known_result,
    labels_at,
    lesion,
    points_of,
    same_grid,
)
from tests.fixtures.refusal import assert_refused
from tumorlens import dicom_results
from tumorlens.errors import DicomResultError, TumorlensError
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.nifti_write import save_nifti
from tumorlens.studies.study_result import StudyResult

pytest.importorskip("highdicom")


def reread(made: Dataset) -> Dataset:
    """An object, written and read again."""
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


def segmented_points(made: Dataset, segment: int) -> npt.NDArray[np.float64]:
    """(n, 3) LPS millimeters of the segmented pixels, by the frames' own positions alone."""
    made = reread(made)
    frames = made.pixel_array if made.pixel_array.ndim == 3 else made.pixel_array[None]
    shared = made.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    rows, columns = (float(mm) for mm in shared.PixelMeasuresSequence[0].PixelSpacing)
    points = [np.zeros((0, 4))]
    for pixels, groups in zip(frames, made.PerFrameFunctionalGroupsSequence, strict=True):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber != segment:
            continue
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = cosines[3:] * rows, cosines[:3] * columns
        affine[:3, 3] = [float(mm) for mm in groups.PlanePositionSequence[0].ImagePositionPatient]
        inside = np.argwhere(pixels)
        points.append(np.column_stack([inside, np.zeros(len(inside)), np.ones(len(inside))]) @ affine.T)
    return np.concatenate(points)[:, :3]


def assert_frames_are_those_of_the_source(made: Dataset, result: StudyResult) -> None:
    """Each frame refers to the image or frame of the source at its own position."""
    places = {
        (source.sop_instance_uid, source.frame): origin
        for source, origin in zip(result.volume.sources, result.volume.origins, strict=True)
    }
    for groups in made.PerFrameFunctionalGroupsSequence:
        (derivation,) = groups.DerivationImageSequence
        (image,) = derivation.SourceImageSequence
        frame = image.get("ReferencedFrameNumber")
        key = image.ReferencedSOPInstanceUID, None if frame is None else int(frame)
        position = [float(mm) for mm in groups.PlanePositionSequence[0].ImagePositionPatient]
        assert position == pytest.approx(places[key], abs=0.25)
        assert image.SpatialLocationsPreserved == "YES"


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_the_segment_is_where_the_finding_is_in_each_plane(plane: str, tmp_path: Path) -> None:
    of = volume(plane=plane)
    read, choice = chosen(save(images(of), tmp_path))
    truth = lesion(of.voxels.shape)
    made = dicom_results.seg(known_result(read, labels_at(read, truth, of.affine), choice))
    for segment in (1, 2):
        assert_same_points(segmented_points(made, segment), points_of(truth == segment, of.affine))


REFUSED = {"one_uid_for_all": "several images have one SOPInstanceUID", "no_series_uid": "no SeriesInstanceUID"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_of_each_hard_series_the_segment_is_right_or_refused_with_its_reason(case: HardCase, tmp_path: Path) -> None:
    if case.skip_reason:
        pytest.skip(case.skip_reason)
    path = case.write(tmp_path)
    try:
        listed = entries(path)
    except TumorlensError:
        return  # nothing can be read
    known = [one for one in case.expected.volumes if one.affine is not None]
    for entry in listed[:3]:  # of ten points in time
        if len(entry.stack.frames) < 4:
            continue
        read, choice = chosen(path, entry)
        if read.irregular:
            with assert_refused(DicomResultError):
                dicom_results.seg(known_result(read, lesion(read.size), choice))
            continue
        tolerance = case.expected.tolerance + 0.1
        for one in known:
            if one.affine is None or not same_grid(read, one.voxels.shape, one.affine, tolerance):
                continue
            truth = lesion(one.voxels.shape)
            result = known_result(read, labels_at(read, truth, one.affine), choice)
            if case.name in REFUSED:
                with assert_refused(DicomResultError, found=REFUSED[case.name]):
                    dicom_results.seg(result)
                break
            made = dicom_results.seg(result)
            assert_same_points(segmented_points(made, 1), points_of(truth == 1, one.affine), tolerance=tolerance)
            assert_frames_are_those_of_the_source(made, result)
            break
        else:
            assert not known, "no known grid fits"


def test_a_shuffled_enhanced_file_and_a_part_of_one_have_the_right_frame_numbers(tmp_path: Path) -> None:
    for name in ("enhanced_frames_shuffled", "enhanced_two_stacks", "enhanced_two_echoes"):
        (tmp_path / name).mkdir()
        path = CASES[name].write(tmp_path / name)
        for entry in entries(path):
            read, choice = chosen(path, entry)
            result = known_result(read, lesion(read.size), choice)
            made = reread(dicom_results.seg(result))
            expected = {result.volume.sources[i].frame for i in range(len(read)) if (result.labels[i] > 0).any()}
            found = {
                int(groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
                for groups in made.PerFrameFunctionalGroupsSequence
            }
            assert found == expected
            assert_frames_are_those_of_the_source(made, result)


def test_highdicom_reads_the_mask_back_bit_for_bit(plain: StudyResult, tmp_path: Path) -> None:
    import highdicom

    for labelmap in (False, True):
        dicom_results.seg(plain, labelmap=labelmap).save_as(tmp_path / "seg.dcm")
        made = highdicom.seg.segread(tmp_path / "seg.dcm")
        uids = [str(source.sop_instance_uid) for source in plain.volume.sources]
        labels = made.get_pixels_by_source_instance(
            uids, combine_segments=True, assert_missing_frames_are_empty=True, ignore_spatial_locations=False
        )
        assert np.array_equal(labels, plain.labels)


def test_a_segment_says_what_it_is_and_not_more(plain: StudyResult) -> None:
    made = reread(dicom_results.seg(plain))
    first, second = made.SegmentSequence
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "108369006"  # neoplasm, never a class of the model
    assert first.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert first.AnatomicRegionSequence[0].CodeValue == "12738006"
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    (algorithm,) = first.SegmentationAlgorithmIdentificationSequence
    assert plain.model_sha256 in algorithm.AlgorithmParameters
    assert (first.SegmentLabel, first.TrackingID, second.TrackingID) == ("finding 1", "finding 1", "finding 2")
    assert first.TrackingUID != second.TrackingUID
    assert "research only" in made.SeriesDescription
    assert made.SeriesNumber == 9001
    assert made.Manufacturer == "tumorlens"


def test_the_label_of_a_finding_below_the_limit_says_it(plain: StudyResult) -> None:
    read = plain.volume
    result = known_result(read, plain.labels, plain.choice, limit=StudyLimit(ml=3.0))
    assert [one.above_limit for one in result.findings] == [True, False]
    assert dicom_results.seg(result).SegmentSequence[1].SegmentLabel == "finding 2, below the limit"


def test_a_second_run_has_the_same_identifiers_and_another_model_has_others(plain: StudyResult) -> None:
    from dataclasses import replace

    def uids(made: Dataset) -> list[str]:
        organization = made.DimensionOrganizationSequence[0].DimensionOrganizationUID
        return [str(uid) for uid in (made.SOPInstanceUID, made.SeriesInstanceUID, organization)]

    def tracked(made: Dataset) -> list[str]:
        return [str(one.TrackingUID) for one in made.SegmentSequence if "TrackingUID" in one]

    first, second = (uids(dicom_results.seg(plain)) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    other = dicom_results.seg(replace(plain, model_sha256="0" * 64))
    assert not set(first) & set(uids(other))
    labelmap, binary = dicom_results.seg(plain, labelmap=True), dicom_results.seg(plain)
    assert not set(first) & set(uids(labelmap))
    assert tracked(labelmap) == tracked(binary)  # it is the same finding
    assert not set(tracked(binary)) & set(tracked(other))


def test_two_echoes_of_one_series_have_results_of_their_own(tmp_path: Path) -> None:
    path = CASES["two_echoes"].write(tmp_path)
    made = []
    for entry in entries(path):
        read, choice = chosen(path, entry)
        made.append(dicom_results.seg(known_result(read, lesion(read.size), choice)))
    assert len({one.SOPInstanceUID for one in made}) == 2


def test_nothing_found_is_refused_and_so_is_a_nifti_file_and_another_spacing(
    plain: StudyResult, tmp_path: Path
) -> None:
    nothing = known_result(plain.volume, np.zeros_like(plain.labels), plain.choice)
    with assert_refused(DicomResultError, found="nothing was found", advice="structured report"):
        dicom_results.seg(nothing)
    save_nifti(np.asarray(plain.volume), plain.volume, tmp_path / "head.nii.gz")
    nifti = read_nifti_volume(tmp_path / "head.nii.gz")
    with assert_refused(DicomResultError, found="not read from DICOM", advice="NIfTI"):
        dicom_results.seg(known_result(nifti, lesion(nifti.size)))
    other = plain.volume.with_spacing((4.7321, 3.0, 3.0))
    with assert_refused(DicomResultError, found="spacing is not that of the headers", advice="--spacing"):
        dicom_results.seg(known_result(other, plain.labels))
