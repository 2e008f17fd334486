"""Folder of DICOM files -> table of the slices of its series; patients by a hash, names and numbers are not kept."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.slice_origin import AcquisitionFacts, SliceOrigin
from tumorlens.datasets.table import Sample, Table
from tumorlens.datasets.unannotated import UNANNOTATED
from tumorlens.datasets.volume_samples import LeftOut, kept_range
from tumorlens.errors import DataError, ScanError, TumorlensError
from tumorlens.scan.content import FileContent, is_dicom
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.dicom.series_selection import SeriesVerdict, verdicts
from tumorlens.scan.dicom.stacks import Stack, series_of
from tumorlens.scan.head_slices import head_slices
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.stored_files import stored_files
from tumorlens.scan.volume import reorientation

if TYPE_CHECKING:
    from pydicom import Dataset as Header

GROUP_PREFIX = "dicom:"
"""Of patients from DICOM files: the same in every folder, so that a patient in two folders is one."""

_LOOKED_AT = 200  # files of a folder, to find one that is DICOM
_NO_PATIENT = re.compile(
    r"\W*|0+|1|x+|anon\w*|de-?identified|unknown|none|null|no[ _-]?(id|name)|patient|subject|test|removed",
    re.IGNORECASE,
)
_CONSTANT = 3  # studies that share one number, of which each is then taken as a patient


def short_hash(identifier: str) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of an identifier, without spaces around it.

    Example:
        >>> from tumorlens.datasets.formats.dicom_folder import short_hash
        >>> short_hash("P-0001")
        'd4979eb4f3e8'
    """
    return sha256(identifier.strip().encode()).hexdigest()[:12]


def read(folder: Path) -> Table:
    """The slices of every series; they have no labels, so all are unannotated.

    The patient is `short_hash` of PatientID. Where it is empty or a word such as ``anonymous``, or where three studies
    or more have no other one, each study counts as a patient.

    Raises:
        DataError: no series can be read.
    """
    name = folder.resolve().name or "dicom"
    contents = read_stacks(folder)
    studies: defaultdict[str, list[Stack]] = defaultdict(list)
    for stack in contents.stacks:
        studies[str(stack.header.get("StudyInstanceUID") or "")].append(stack)
    patients, notes = _patients(name, studies)
    found = [
        _Series(name, stack, verdict, study, patients[study], number)
        for study, stacks in studies.items()
        for stack, verdict, number in zip(stacks, verdicts(stacks), _numbers(stacks), strict=True)
    ]
    left_out = LeftOut(Counter({"no DICOM file": len(contents.other_files)}))
    for refusal in contents.refusals:
        left_out.facts[f"frames left out: {refusal.reason}"] += refusal.frames
    samples: list[Sample] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for series, slices in zip(found, threads.map(_samples, found), strict=True):
            if isinstance(slices, str):
                left_out.facts[f"series left out: {slices}"] += 1
                continue
            left_out.facts["slices without a head at the ends of volumes left out"] += len(series.stack.frames) - len(
                slices
            )
            left_out.facts[f"series, {series.sequence}"] += 1
            samples += slices
    left_out.volumes, left_out.facts = +left_out.volumes, +left_out.facts
    notes = (*notes, *left_out.notes(name))
    if not samples:
        advice = "; ".join(notes) or None
        raise DataError(file=folder, found="no DICOM series can be used", expected="a series of slices", advice=advice)
    return Table(name, tuple(samples), (UNANNOTATED,), notes)


@dataclass(frozen=True)
class _Series:
    """A stack of a series with what is known of it."""

    set_name: str
    stack: Stack
    verdict: SeriesVerdict
    study_uid: str
    patient: str
    number: int  # of the stack among those of its series, from 1

    @property
    def study(self) -> str:
        return short_hash(self.study_uid)

    @property
    def series(self) -> str:
        return short_hash(series_of(self.stack.header)[0])

    @property
    def volume(self) -> str:
        return f"{self.set_name}/{self.study}/{self.series}{f'-{self.number}' if self.number > 1 else ''}"

    @property
    def sequence(self) -> str:
        return re.split(r"[:,(]", self.verdict.reason)[0].strip()


def _samples(series: _Series) -> list[Sample] | str:
    """The slices of a stack in upright order; the reason where they cannot be decoded."""
    volume = series.stack.volume()
    try:
        shows = head_slices(volume)
    except TumorlensError as error:
        return error.found
    steps = np.stack([volume.normal, volume.row_step, volume.column_step], axis=1)
    backwards = reorientation(steps, volume.plane).flips[0]
    order = range(len(volume))[:: -1 if backwards else 1]
    normal = -volume.normal if backwards else volume.normal
    kept = kept_range(shows[list(order)])
    return [
        _sample(series, i, index, float(volume.origins[i] @ normal)) for index, i in enumerate(order) if index in kept
    ]


def _sample(series: _Series, position_in_stack: int, index: int, position: float) -> Sample:
    source = series.stack.frames[position_in_stack].source
    plane = series.stack.volume().plane
    return Sample(
        id=f"{series.volume}#{plane}={index:03d}",
        image=SliceLocation(source.path, None, source.frame or 1).path,
        label=UNANNOTATED,
        group=series.patient,
        origin=SliceOrigin(
            volume=series.volume,
            plane=plane,
            slice_index=index,
            position=round(position, 4),
            series=series.series,
            study=series.study,
        ),
        acquisition=AcquisitionFacts(plane, series.sequence, series.verdict.contrast),
    )


def _numbers(stacks: Sequence[Stack]) -> Iterator[int]:
    """The number of each stack among those of its series, from 1."""
    seen: Counter[str] = Counter()
    for stack in stacks:
        uid = series_of(stack.header)[0]
        seen[uid] += 1
        yield seen[uid]


def _patients(name: str, studies: dict[str, list[Stack]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The group of each study, and notes on studies whose patient is not known."""
    ids = {study: str(stacks[0].header.get("PatientID") or "").strip() for study, stacks in studies.items()}
    stated = {study for study, number in ids.items() if not _NO_PATIENT.fullmatch(number)}
    notes = []
    if unknown := len(ids) - len(stated):
        notes.append(f"{name}: {unknown:,} of {len(ids):,} studies name no patient; each study counts as a patient")
    people = {_person(stacks[0].header) for study, stacks in studies.items() if study in stated}
    if len({ids[study] for study in stated}) == 1 and (len(stated) >= _CONSTANT or len(people) > 1):
        notes.append(
            f"{name}: {len(stated):,} studies have one PatientID, as if it was removed; each counts as a patient"
        )
        stated = set()
    return {
        study: f"{GROUP_PREFIX}{short_hash(ids[study])}"
        if study in stated
        else f"{GROUP_PREFIX}study-{short_hash(study)}"
        for study in ids
    }, tuple(notes)


def _person(header: Header) -> tuple[str, ...]:
    """What differs between people: name, sex and birth date."""
    return tuple(str(header.get(key) or "") for key in ("PatientName", "PatientSex", "PatientBirthDate"))


def _holds_dicom(folder: Path) -> bool:
    for content in islice(stored_files(folder), _LOOKED_AT):
        try:
            if is_dicom(FileContent(content.path)):
                return True
        except ScanError:
            continue
    return False


DATASET = Dataset(
    DatasetCard(
        name="dicom",
        summary="your own DICOM studies: every slice of every series, without labels, for audits",
        images=None,
        patients=None,
        classes=(),
        format="DICOM",
        layout="DICOM files with any names, in any folders",
        license="yours",
        citation="yours",
        problems=(
            "DICOM files state no class: every slice is unannotated.",
            "A patient is a hash of PatientID: equal for equal numbers, so that who knows a number can look for it.",
        ),
    ),
    read,
    _holds_dicom,
    order=96,
)
