"""StudyResult -> structured reports: measurements for machines (TID 1500 and 1411), outlines for viewers (TID 1410).

Two reports, since a viewer that meets a group without coordinates may show nothing at all. Both are preliminary and
unverified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import tumorlens
from tumorlens.dicom_results import codes
from tumorlens.dicom_results.lesion_outline import LesionOutline, as_graphic, lesion_outline
from tumorlens.dicom_results.object_identity import PRODUCER, ObjectIdentity, finding_name, identity_of, writing
from tumorlens.dicom_results.segmentation_object import check_findings, segmentation_of
from tumorlens.studies.study_result import Finding, StudyResult

if TYPE_CHECKING:
    from highdicom import sr
    from pydicom import Dataset
    from pydicom.sr.coding import Code

    _Group = (
        sr.PlanarROIMeasurementsAndQualitativeEvaluations
        | sr.VolumetricROIMeasurementsAndQualitativeEvaluations
        | sr.MeasurementsAndQualitativeEvaluations
    )

_USES = {
    "yes": codes.YES,
    "no": codes.NO,
    "unknown": codes.private_code("UNKNOWN", "Unknown"),
}
_POSITIVE = codes.private_code("ABOVE_LIMIT", "Finding above the limit")
_NEGATIVE = codes.private_code("NONE_ABOVE_LIMIT", "No finding above the limit")
_UNDETERMINED = codes.private_code("UNDETERMINED", "Undetermined")


def sr_measurements(result: StudyResult) -> Dataset:
    """Make the report for machines: a group for each finding, which refers to its segment, and one for the study.

    A finding has its volume, long and short axis, the probability of each class, and the share of its pixels in
    out-of-distribution slices. The study has its conclusion, never "healthy", and which series was predicted.

    Args:
        result: of a DICOM study, with or without findings.

    Returns:
        Comprehensive 3D SR, TID 1500. It refers to the object that `seg` makes, where there are findings.

    Raises:
        DicomResultError: `reference_copy` refuses the source.
        MissingExtraError: highdicom is not installed.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> made = tumorlens.dicom_results.sr_measurements(result)
        >>> made.CompletionFlag, made.PreliminaryFlag, made.VerificationFlag
        ('COMPLETE', 'PRELIMINARY', 'UNVERIFIED')
    """
    identity = identity_of(result)
    segmentation = segmentation_of(identity) if result.findings else None
    with writing(result, "SR"):
        groups: list[_Group] = []
        evidence = list(identity.reference.headers)
        if segmentation is not None:
            groups += [_volumetric_group(one, identity, segmentation) for one in result.findings]
            evidence.insert(0, segmentation)
        return _report(identity, [*groups, _study_group(identity)], evidence, "SR A")


def sr_outlines(result: StudyResult) -> Dataset:
    """Make the report for viewers: outline, area, long and short axis of each finding in its largest slice.

    Args:
        result: of a DICOM study, with findings.

    Returns:
        Comprehensive SR, TID 1500, with coordinates in the source images.

    Raises:
        DicomResultError: there is no finding, or `reference_copy` refuses the source.
        MissingExtraError: highdicom is not installed.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> tumorlens.dicom_results.sr_outlines(result).SOPClassUID.name
        'Comprehensive SR Storage'
    """
    identity = identity_of(result)
    check_findings(result, "outlines")
    with writing(result, "SR"):
        groups: list[_Group] = []
        for finding in result.findings:
            outline = lesion_outline(result, finding)
            groups.append(_outline_group(finding, outline, identity))
            if finding.short_axis_mm:  # a single row of pixels has no short axis to show
                groups.append(_axes_group(finding, outline, identity))
        return _report(identity, groups, list(identity.reference.headers), "SR B")


def _report(identity: ObjectIdentity, groups: Sequence[_Group], evidence: Sequence[Dataset], kind: str) -> Dataset:
    """Groups of measurements -> the whole report."""
    from highdicom import sr

    result = identity.result
    observer = sr.ObserverContext(
        observer_type=sr.CodedConcept.from_code(codes.DEVICE),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=identity.uid("device"),
            name=PRODUCER,
            manufacturer_name=PRODUCER,
            model_name=result.model[:64],
            serial_number=result.model_sha256[:16] or "unknown",
        ),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.MR_BRAIN,
        imaging_measurements=groups,
        title=codes.MEASUREMENT_REPORT,
    )
    report = sr.Comprehensive3DSR if kind == "SR A" else sr.ComprehensiveSR
    made = report(
        evidence=evidence,
        content=content[0],
        is_complete=True,
        is_final=False,
        is_verified=False,
        **identity.series(kind),
    )
    return identity.finish(made, kind)


def _algorithm(identity: ObjectIdentity) -> sr.AlgorithmIdentification:
    from highdicom import sr

    result = identity.result
    return sr.AlgorithmIdentification(
        name=f"{PRODUCER} {result.model}"[:64],
        version=tumorlens.__version__,
        parameters=[f"model={result.model}", f"sha256={result.model_sha256 or 'unknown'}"],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=PRODUCER,
    )


def _site() -> list[sr.FindingSite]:
    from highdicom import sr

    return [sr.FindingSite(anatomic_location=codes.BRAIN)]


def _number(name: Code, value: float, unit: Code, digits: int = 3) -> sr.Measurement:
    from highdicom import sr

    return sr.Measurement(name=name, value=round(float(value), digits), unit=unit)


def _volumetric_group(
    finding: Finding, identity: ObjectIdentity, segmentation: Dataset
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """TID 1411: one finding, as its segment."""
    from highdicom import sr

    measurements = []
    if finding.ml is not None:
        measurements.append(_number(codes.VOLUME, finding.ml, codes.MILLILITER))
    for name, value in ((codes.LONG_AXIS, finding.long_axis_mm), (codes.SHORT_AXIS, finding.short_axis_mm)):
        if value is not None:
            measurements.append(_number(name, value, codes.MILLIMETER, 2))
    for label, probability in finding.probabilities.items():
        measurements.append(_number(codes.class_probability(label), probability, codes.NO_UNITS, 6))
    measurements.append(_number(codes.TUMOR_PROBABILITY, finding.tumor_probability, codes.NO_UNITS, 6))
    if finding.ood_share is not None:
        measurements.append(_number(codes.OOD_SHARE, finding.ood_share, codes.NO_UNITS, 4))
    above = {True: codes.YES, False: codes.NO, None: _UNDETERMINED}[finding.above_limit]
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=identity.uid("finding", finding.number), identifier=finding_name(finding)
        ),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=finding.number,
            source_series=sr.SourceSeriesForSegmentation(
                referenced_series_instance_uid=identity.reference.first.SeriesInstanceUID
            ),
        ),
        finding_category=codes.ABNORMAL_STRUCTURE,
        finding_type=codes.NEOPLASM,
        finding_sites=_site(),
        algorithm_id=_algorithm(identity),
        measurements=measurements,
        qualitative_evaluations=[
            sr.QualitativeEvaluation(name=codes.PREDICTED_CLASS, value=codes.class_code(finding.label)),
            sr.QualitativeEvaluation(name=codes.COUNTS, value=above),
        ],
    )


def _study_group(identity: ObjectIdentity) -> sr.MeasurementsAndQualitativeEvaluations:
    """TID 1501: what the result says of the study."""
    from highdicom import sr

    result = identity.result
    conclusion = _UNDETERMINED if result.positive is None else _POSITIVE if result.positive else _NEGATIVE
    measurements = [
        _number(codes.FINDINGS, len(result.findings), codes.COUNT, 0),
        _number(codes.SLICES, len(result.acquired_slices), codes.COUNT, 0),
        _number(codes.LIMIT_ML, result.limit.ml, codes.MILLILITER),
        _number(codes.LIMIT_PROBABILITY, result.limit.tumor_probability, codes.NO_UNITS, 6),
    ]
    if result.ood_slices is not None:
        measurements.append(_number(codes.OOD_SLICES, result.ood_slices, codes.COUNT, 0))
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=identity.uid("study"), identifier="study"),
        algorithm_id=_algorithm(identity),
        finding_sites=_site(),
        measurements=measurements,
        qualitative_evaluations=[
            sr.QualitativeEvaluation(name=codes.CONCLUSION, value=conclusion),
            sr.QualitativeEvaluation(name=codes.SERIES_FIT, value=_USES[result.choice.use]),
        ],
    )


def _source_image(identity: ObjectIdentity, index: int) -> sr.SourceImageForRegion:
    from highdicom import sr

    header = identity.reference.header(index)
    return sr.SourceImageForRegion(
        referenced_sop_class_uid=header.SOPClassUID,
        referenced_sop_instance_uid=header.SOPInstanceUID,
        referenced_frame_numbers=identity.reference.frame_numbers(index),
    )


def _outline_group(
    finding: Finding, outline: LesionOutline, identity: ObjectIdentity
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    """TID 1410: the outline in the largest slice, with its area."""
    from highdicom import sr

    region = sr.ImageRegion(
        graphic_type=sr.GraphicTypeValues.POLYLINE,
        graphic_data=as_graphic(outline.polygon),
        source_image=_source_image(identity, outline.slice_index),
    )
    area = [] if outline.mm2 is None else [_number(codes.AREA, outline.mm2, codes.SQUARE_MILLIMETER, 1)]
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=identity.uid("finding", finding.number, "outline"), identifier=f"{finding_name(finding)}, largest slice"
        ),
        referenced_region=region,
        finding_type=codes.NEOPLASM,
        finding_sites=_site(),
        algorithm_id=_algorithm(identity),
        measurements=area,
    )


def _axes_group(
    finding: Finding, outline: LesionOutline, identity: ObjectIdentity
) -> sr.MeasurementsAndQualitativeEvaluations:
    """TID 1501: the two axes, the only template in which highdicom allows coordinates of a measurement."""
    from highdicom import sr

    measurements = []
    for name, points, value in (
        (codes.LONG_AXIS, outline.long_axis, finding.long_axis_mm),
        (codes.SHORT_AXIS, outline.short_axis, finding.short_axis_mm),
    ):
        line = sr.CoordinatesForMeasurement(
            graphic_type=sr.GraphicTypeValues.POLYLINE,
            graphic_data=as_graphic(points),
            source_image=_source_image(identity, outline.slice_index),
        )
        assert value is not None
        measurements.append(
            sr.Measurement(name=name, value=round(value, 1), unit=codes.MILLIMETER, referenced_coordinates=[line])
        )
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=identity.uid("finding", finding.number, "axes"), identifier=f"{finding_name(finding)}, axes"
        ),
        finding_type=codes.NEOPLASM,
        finding_sites=_site(),
        algorithm_id=_algorithm(identity),
        measurements=measurements,
    )
