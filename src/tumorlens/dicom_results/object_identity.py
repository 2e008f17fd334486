"""StudyResult + kind -> identifiers, series and device of a DICOM object; the same result always has the same ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

import tumorlens
from tumorlens._extras import require
from tumorlens.dicom_results.codes import ARTIFICIAL_INTELLIGENCE
from tumorlens.dicom_results.reference_copy import SourceReference, derived_uid, reference_copy
from tumorlens.errors import DicomResultError
from tumorlens.scan.dicom.dicom_file import quiet
from tumorlens.studies.study_result import Finding, StudyResult

if TYPE_CHECKING:
    from highdicom import AlgorithmIdentificationSequence
    from pydicom import Dataset

PRODUCER = "tumorlens"
"""Manufacturer of all objects, by which a node knows its own results."""

SERIES = {
    "SEG": (9001, "findings"),
    "SR A": (9002, "measurements"),
    "SR B": (9003, "outlines and axes"),
    "PM": (9004, "tumor probability"),
    "SC": (9005, "overview"),
    "LABELMAP": (9006, "findings, label map"),
}
"""Kind of an object -> number of its series, and what its description says."""

_COPIED = (
    "PatientAge",
    "IssuerOfPatientID",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
    "StudyDescription",
    "BodyPartExamined",
)


class SeriesArguments(TypedDict):
    """Arguments of highdicom for series and instance."""

    series_instance_uid: str
    series_number: int
    sop_instance_uid: str
    instance_number: int
    manufacturer: str


class DeviceArguments(TypedDict):
    """Arguments of highdicom for the device that made an image."""

    manufacturer_model_name: str
    software_versions: str
    device_serial_number: str


@dataclass(frozen=True, eq=False)
class ObjectIdentity:
    """What all objects of one result share.

    Attributes:
        result: of the study.
        reference: its source images.
    """

    result: StudyResult
    reference: SourceReference

    def uid(self, *parts: object) -> str:
        """An identifier that depends on series, stack, model and these parts: a second run gets it again."""
        return derived_uid(self.reference.first.SeriesInstanceUID, self._stack, self.result.model_sha256, *parts)

    @cached_property
    def _stack(self) -> str:
        """What tells the stack from others of its series; empty where it is the only one."""
        facts = self.result.choice.series or {}
        uid = facts.get("series_instance_uid")
        if not any(one.get("series_instance_uid") == uid for one in self.result.choice.passed_over):
            return ""
        return f"{self.reference.header(0).SOPInstanceUID}/{self.reference.frame_numbers(0)}"

    def series(self, kind: str, instance: int = 1) -> SeriesArguments:
        """The series of a kind of object, and an instance of it."""
        return {
            "series_instance_uid": self.uid(kind, "series"),
            "series_number": SERIES[kind][0],
            "sop_instance_uid": self.uid(kind, instance),
            "instance_number": instance,
            "manufacturer": PRODUCER,
        }

    def device(self) -> DeviceArguments:
        """The device that made an image: the model, with the start of its hash."""
        return {
            "manufacturer_model_name": self.result.model[:64],
            "software_versions": tumorlens.__version__,
            "device_serial_number": self.result.model_sha256[:16] or "unknown",
        }

    def algorithm(self) -> AlgorithmIdentificationSequence:
        """Model, version and hash, as a segment names them."""
        from highdicom import AlgorithmIdentificationSequence

        return AlgorithmIdentificationSequence(
            name=f"{PRODUCER} {self.result.model}"[:64],
            version=tumorlens.__version__,
            family=ARTIFICIAL_INTELLIGENCE,
            source=PRODUCER,
            parameters={"model": self.result.model, "sha256": self.result.model_sha256 or "unknown"},
        )

    def finish(self, made: Dataset, kind: str) -> Dataset:
        """Add what highdicom leaves out: description, body part, and how the source was de-identified.

        Args:
            made: by highdicom; changed and returned.
            kind: of `SERIES`.
        """
        made.SeriesDescription = f"{PRODUCER} {SERIES[kind][1]}, research only"
        first = self.reference.first
        for keyword in _COPIED:
            if keyword in first and not (keyword == "BodyPartExamined" and kind.startswith("SR")):
                made[keyword] = first[keyword]
        made.SpecificCharacterSet = "ISO_IR 192"
        if "DimensionOrganizationSequence" in made:
            organization = self.uid(kind, "dimensions")
            made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
            for dimension in made.DimensionIndexSequence:
                dimension.DimensionOrganizationUID = organization
        return made

    def name_frames(self, made: Dataset) -> None:
        """Put the numbers of the source frames into the references of an object with several frames.

        highdicom counts the frames of the reference copy, which holds those of the volume alone, in its order.

        Args:
            made: by highdicom from the reference copy; changed.
        """
        if self.reference.frames is None:
            return
        for groups in made.PerFrameFunctionalGroupsSequence:
            for derivation in groups.DerivationImageSequence:
                for image in derivation.SourceImageSequence:
                    image.ReferencedFrameNumber = self.reference.frames[int(image.ReferencedFrameNumber) - 1]


def identity_of(result: StudyResult) -> ObjectIdentity:
    """Identifiers and source of a result.

    Raises:
        DicomResultError: as `reference_copy`.
        MissingExtraError: highdicom is not installed.
    """
    require("highdicom", "dicom", "write results as DICOM objects")
    return ObjectIdentity(result, reference_copy(result.volume))


def finding_name(finding: Finding) -> str:
    """What segments, groups of measurements and viewers call a finding."""
    return f"finding {finding.number}" + (", below the limit" if finding.above_limit is False else "")


@contextmanager
def writing(result: StudyResult, kind: str) -> Iterator[None]:
    """Silence logs and warnings, which may name a patient, and turn what highdicom refuses into one error.

    Raises:
        DicomResultError: a header that highdicom refuses.
    """
    logger = logging.getLogger("highdicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with quiet():
            yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DicomResultError(
            f"highdicom refuses the headers for {kind} ({type(error).__name__})",
            file=result.volume.path,
            expected="images of a scanner, as MR or CT image storage",
            advice="write the result as NIfTI",
        ) from error
    finally:
        logger.setLevel(level)
