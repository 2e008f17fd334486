"""headers of DICOM files -> integrity issues: what identifies a person, private elements, text stated as burned in.

Values are read and thrown away: an issue names the file and the attribute, never what it holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.dicom_file import quiet, read_dicom_file
from tumorlens.scan.slice_location import file_of

if TYPE_CHECKING:
    from pydicom import Dataset

# Attributes of DICOM PS3.15, table E.1-1, that name a person or lead to one by themselves.
IDENTIFYING = (
    "PatientName",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientBirthName",
    "PatientMotherBirthName",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientInsurancePlanCodeSequence",
    "MilitaryRank",
    "EthnicGroup",
    "Occupation",
    "PatientComments",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "RequestingPhysician",
    "OperatorsName",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
)
_PSEUDONYMS = ("PatientName", "OtherPatientIDs", "OtherPatientNames")  # may remain where identity was removed
_EMPTY = {"", "*", "ANON", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "NONE", "REMOVED", "UNKNOWN", "DEIDENTIFIED", "NA"}


@dataclass(frozen=True)
class HeaderFacts:
    """What a DICOM header says, without the values that identify a person.

    Attributes:
        identifying: keywords of `IDENTIFYING` that have a value.
        private: number of private elements.
        burned_in: whether it states text in the pixels; None where it says nothing.
        defaced: whether it states that no face can be recognized; None where it says nothing.
        in_path: whether a part of the patient's name or number is in the path of the file.
    """

    identifying: tuple[str, ...]
    private: int
    burned_in: bool | None
    defaced: bool | None
    in_path: bool


def read_header_facts(records: Iterable[ImageRecord]) -> dict[Path, HeaderFacts]:
    """The facts of each DICOM file of the records; files that cannot be read are left out."""
    files = list(dict.fromkeys(file_of(record.path) for record in records if record.format == "DICOM"))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        facts = list(threads.map(_facts, files))
    return {file: fact for file, fact in zip(files, facts, strict=True) if fact}


def find_dicom_issues(facts: dict[Path, HeaderFacts]) -> list[IntegrityIssue]:
    """The issues of DICOM headers; none without DICOM files."""
    identifying = [(path, ", ".join(fact.identifying)) for path, fact in facts.items() if fact.identifying]
    private = [(path, f"{fact.private:,} private elements") for path, fact in facts.items() if fact.private]
    burned_in = [(path, "BurnedInAnnotation is YES") for path, fact in facts.items() if fact.burned_in]
    in_path = sum(fact.in_path for fact in facts.values())
    found = (
        (
            "identifying-tags",
            f"{len(identifying):,} of {len(facts):,} DICOM files hold attributes that can identify a person; remove "
            "them before the data leave the hospital.",
            identifying,
        ),
        (
            "burned-in-annotation",
            f"{len(burned_in):,} of {len(facts):,} DICOM files state that text is burned into their pixels; look at "
            "them, and remove or mask it.",
            burned_in,
        ),
    )
    issues = [IntegrityIssue(kind, message, "warning", tuple(items)) for kind, message, items in found if items]
    if in_path:
        message = (
            f"{in_path:,} of {len(facts):,} DICOM files have a part of the patient's name or number in the name of "
            "the file or its folders, which tables and reports repeat; rename them."
        )
        issues.append(IntegrityIssue("identifier-in-path", message, "warning"))
    if private:
        message = (
            f"{len(private):,} of {len(facts):,} DICOM files hold private elements; what they say is known to the "
            "manufacturer alone, and some repeat the patient's name."
        )
        issues.append(IntegrityIssue("private-tags", message, "info", tuple(private)))
    return issues


def _facts(path: Path) -> HeaderFacts | None:
    try:
        header = read_dicom_file(FileContent(path)).header
    except ScanError:
        return None
    with quiet():
        removed = str(header.get("PatientIdentityRemoved") or "").upper() == "YES"
        identifying = [name for name in IDENTIFYING if _has_value(header.get(name))]
        visible = str(header.get("RecognizableVisualFeatures") or "").upper()
        return HeaderFacts(
            identifying=tuple(name for name in identifying if not (removed and name in _PSEUDONYMS)),
            private=sum(element.tag.is_private for element in header),
            burned_in={"YES": True, "NO": False}.get(str(header.get("BurnedInAnnotation") or "").upper()),
            defaced=True if _states_defaced(header) else {"YES": False, "NO": True}.get(visible),
            in_path=not removed and _in_path(header, path),
        )


def _has_value(value: Any) -> bool:
    if value is None:
        return False
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(_has_value, value)) if not hasattr(value, "keys") else bool(value)
    return str(value).strip(" ^=\\").upper() not in _EMPTY and set(str(value)) - set("0* ^xX-") != set()


def _states_defaced(header: Dataset) -> bool:
    method = str(header.get("DeidentificationMethod") or "").lower()
    return "deface" in method or "facial" in method


def _in_path(header: Dataset, path: Path) -> bool:
    names = str(header.get("PatientName") or "").replace("^", " ").replace("=", " ").split()
    words = [word.lower() for word in (*names, str(header.get("PatientID") or "").strip()) if len(word) > 3]
    place = f"{path.parent.parent.name}/{path.parent.name}/{path.name}".lower()
    return any(word in place for word in words if word.upper() not in _EMPTY)
