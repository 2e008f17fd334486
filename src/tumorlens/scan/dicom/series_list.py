"""folder, zip archive or DICOMDIR -> its series: what each is, whether it can be used, and which one is chosen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorlens._progress import ProgressOption
from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.dicom_file import whole
from tumorlens.scan.dicom.read_stacks import read_stacks
from tumorlens.scan.dicom.series_selection import SeriesVerdict, choose, verdicts
from tumorlens.scan.dicom.stacks import Refusal, Stack, series_of

SCHEMA_VERSION = 1
"""Of a list of series in JSON. Raise it when a key changes its name or its meaning."""


@dataclass(frozen=True)
class SeriesEntry:
    """One stack of a series.

    Attributes:
        study: number of the study in the list, counted from 1; names and identifiers of patients are not kept.
        study_uid: its StudyInstanceUID; empty where the files have none.
        stack: with its frames.
        verdict: whether it is T1 after contrast.
        chosen: whether it is the one to use of its study.
    """

    study: int
    study_uid: str
    stack: Stack
    verdict: SeriesVerdict
    chosen: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        volume = self.stack.volume()
        uid, description = series_of(self.stack.header)
        return {
            "study": self.study,
            "series_number": whole(self.stack.header.get("SeriesNumber"), -1),
            "series_instance_uid": uid,
            "description": description,
            "plane": volume.plane,
            "size": list(volume.size),
            "spacing": None if volume.spacing is None else [round(mm, 4) for mm in volume.spacing],
            "irregular": self.stack.irregular,
            "split_by": list(self.stack.split_by),
            "notes": list(self.stack.notes),
            "use": self.verdict.use,
            "reason": self.verdict.reason,
            "chosen": self.chosen,
        }


@dataclass(frozen=True)
class SeriesList:
    """What a place holds.

    Attributes:
        entries: by study, then by series number.
        refusals: frames and files that cannot be read, with the reason.
        other_files: files that are no DICOM files.
    """

    entries: tuple[SeriesEntry, ...]
    refusals: tuple[Refusal, ...]
    other_files: tuple[FileContent, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "series": [entry.to_dict() for entry in self.entries],
            "refused": [
                {"reason": one.reason, "frames": one.frames, "description": one.description} for one in self.refusals
            ],
            "other_files": len(self.other_files),
        }


def list_series(path: str | Path, progress: ProgressOption = None) -> SeriesList:
    """List the series of a study, or of several.

    Arguments and errors are those of `read_stacks`.

    Example:
        >>> from pydicom import examples
        >>> from tumorlens.scan.dicom.series_list import list_series
        >>> [(entry.verdict.use, entry.chosen) for entry in list_series(examples.get_path("mr")).entries]
        [('no', False)]
    """
    contents = read_stacks(path, progress)
    studies: defaultdict[str, list[Stack]] = defaultdict(list)
    for stack in contents.stacks:
        studies[str(stack.header.get("StudyInstanceUID") or "")].append(stack)
    entries = []
    for number, (uid, stacks) in enumerate(studies.items(), 1):
        judged = verdicts(stacks)
        chosen = choose(stacks, judged)
        pairs = zip(stacks, judged, strict=True)
        entries += [SeriesEntry(number, uid, stack, verdict, i == chosen) for i, (stack, verdict) in enumerate(pairs)]
    return SeriesList(tuple(entries), contents.refusals, contents.other_files)
