"""StudyResult -> DICOM segmentation (SEG): one segment a finding, in the frames of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tumorlens
from tumorlens.dicom_results.codes import ABNORMAL_STRUCTURE, BRAIN, NEOPLASM
from tumorlens.dicom_results.object_identity import ObjectIdentity, finding_name, identity_of, writing
from tumorlens.errors import DicomResultError
from tumorlens.studies.study_files import FINDING_COLORS
from tumorlens.studies.study_result import Finding, StudyResult

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom import Dataset


def seg(result: StudyResult, *, labelmap: bool = False) -> Dataset:
    """Make a segmentation object of the findings.

    Slices, rows and columns are those of the source images, and each frame refers to its image. A class is never the
    type of a segment, which is neoplasm: classes with their probabilities are in the structured report.

    Args:
        result: of a DICOM study.
        labelmap: one frame a slice with the numbers of the findings (LABELMAP, supplement 243), instead of one frame a
            slice and finding (BINARY), which more viewers show.

    Returns:
        Without frames in which nothing is segmented. ``save_as`` writes it.

    Raises:
        DicomResultError: there is no finding, or `reference_copy` refuses the source.
        MissingExtraError: highdicom is not installed.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> made = tumorlens.dicom_results.seg(result)
        >>> made.SegmentationType, len(made.SegmentSequence) == len(result.findings)
        ('BINARY', True)
    """
    identity = identity_of(result)
    check_findings(result, "SEG")
    return segmentation_of(identity, labelmap=labelmap)


def check_findings(result: StudyResult, kind: str) -> None:
    """Refuse an object of findings where there are none: a viewer would show an empty one as a result.

    Raises:
        DicomResultError: there are none.
    """
    if not result.findings:
        raise DicomResultError(
            "nothing was found",
            file=result.volume.path,
            expected=f"at least one finding, for {kind}",
            advice="the structured report says that nothing was found",
        )


def segmentation_of(identity: ObjectIdentity, *, labelmap: bool = False) -> Dataset:
    """The segmentation of a result with findings, as `seg`."""
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless

    result, kind = identity.result, "LABELMAP" if labelmap else "SEG"
    with writing(result, kind):
        made = Segmentation(
            source_images=identity.reference.headers,
            pixel_array=result.labels,
            segmentation_type=SegmentationTypeValues.LABELMAP if labelmap else SegmentationTypeValues.BINARY,
            segment_descriptions=[_segment(one, identity) for one in result.findings],
            content_label="FINDINGS",
            content_description=f"tumorlens {tumorlens.__version__}, research only",
            content_creator_name="tumorlens^^^^",
            transfer_syntax_uid=RLELossless if labelmap else ExplicitVRLittleEndian,
            **identity.series(kind),
            **identity.device(),
        )
        identity.name_frames(made)
        return identity.finish(made, kind)


def _segment(finding: Finding, identity: ObjectIdentity) -> SegmentDescription:
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription

    name = finding_name(finding)
    return SegmentDescription(
        segment_number=finding.number,
        segment_label=name,
        segmented_property_category=ABNORMAL_STRUCTURE,
        segmented_property_type=NEOPLASM,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=identity.algorithm(),
        tracking_uid=identity.uid("finding", finding.number),
        tracking_id=name,
        anatomic_regions=[BRAIN],
        display_color=CIELabColor.from_rgb(*FINDING_COLORS[(finding.number - 1) % len(FINDING_COLORS)]),
    )
