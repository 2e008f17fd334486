"""Folder, zip archive, DICOMDIR or file -> the studies in it; and the series of a study that is to be predicted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorlens._progress import ProgressOption
from tumorlens.errors import ScanError, StudyError
from tumorlens.scan.content import FileContent, identify
from tumorlens.scan.dicom.series_list import SeriesEntry, list_series
from tumorlens.scan.dicom.series_selection import Use, choose
from tumorlens.scan.dicom.stacks import Refusal
from tumorlens.scan.nifti import open_nifti
from tumorlens.scan.stored_files import is_zip
from tumorlens.scan.volume import Volume
from tumorlens.studies.study_result import SeriesChoice

_LISTED = 6  # series in an error message


@dataclass(frozen=True, eq=False)
class StudySource:
    """One study: the series of a StudyInstanceUID, or one NIfTI file.

    Attributes:
        path: what the user named, or the NIfTI file below it.
        named: whether the user named this one file, and so its series.
        study_uid: of a DICOM study; None for NIfTI.
        entries: its series.
        refusals: frames and files of it that cannot be read.
        content: of a NIfTI file; None for DICOM.
    """

    path: Path
    named: bool
    study_uid: str | None = None
    entries: tuple[SeriesEntry, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    content: FileContent | None = None

    def choose(
        self, series: str | None = None, *, any_series: bool = False, number: int | None = None
    ) -> tuple[Volume, SeriesChoice]:
        """Read the headers of the series to predict.

        Args:
            series: number or SeriesInstanceUID; None to choose by the tags.
            any_series: also take a series that is not known to be T1 after contrast, where there is no other.
            number: of the volume in a NIfTI file with four dimensions, counted from 1.

        Raises:
            StudyError: no such series, none that can be used, or an option that this study cannot have.
            ScanError: a NIfTI file that cannot be read.
        """
        if self.content is not None and series is not None:
            raise StudyError("a NIfTI file, which has no series", file=self.path, advice="leave out --series")
        if self.content is None and number is not None:
            raise StudyError(
                "a DICOM study, which has no numbered volumes", file=self.path, advice="leave out --volume"
            )
        if self.content is not None:
            choice = SeriesChoice("unknown", "a NIfTI file does not say what sequence it holds", "user")
            return open_nifti(self.content, number), choice
        stacks = [entry.stack for entry in self.entries]
        judged = [entry.verdict for entry in self.entries]
        of_name = range(len(stacks)) if series is None else self._named(series)
        by_user = series is not None or self.named
        uses: tuple[Use, ...] = ("yes", "unknown", "no") if by_user or any_series else ("yes",)
        index = choose([stacks[i] for i in of_name], [judged[i] for i in of_name], uses)
        if index is None:
            raise StudyError(
                self._found(),
                file=self.path,
                expected="a series that is known to be T1 after contrast",
                advice="name one with --series NUMBER, or take what there is with --any-series",
            )
        chosen = self.entries[of_name[index]]
        choice = SeriesChoice(
            use=chosen.verdict.use,
            reason=chosen.verdict.reason,
            chosen="user" if by_user else "rule",
            series=_facts(chosen),
            passed_over=tuple(_passed_over(entry) for entry in self.entries if entry is not chosen),
            refused=tuple(
                {"reason": one.reason, "frames": one.frames, "description": one.description} for one in self.refusals
            ),
            study_instance_uid=self.study_uid,
        )
        return chosen.stack.volume(), choice

    def _named(self, series: str) -> list[int]:
        """The stacks of a series."""
        facts = [entry.to_dict() for entry in self.entries]
        known = [(str(one["series_number"]), one["series_instance_uid"]) for one in facts]
        if found := [i for i, names in enumerate(known) if series in names]:
            return found
        numbers = list(dict.fromkeys(number for number, _ in known))
        raise StudyError(
            f"no series '{series}'", file=self.path, expected=f"one of {', '.join(numbers)}, or a SeriesInstanceUID"
        )

    def _found(self) -> str:
        """The series and why none is used, for an error."""
        if not self.entries:
            return "; ".join(dict.fromkeys(one.reason for one in self.refusals)) or "no series"
        parts = [f"{_name(entry)} ({entry.verdict.reason})" for entry in self.entries[:_LISTED]]
        more = len(self.entries) - _LISTED
        return f"{', '.join(parts)}{f' and {more} more' if more > 0 else ''}"


@dataclass(frozen=True)
class FoundStudies:
    """What a place holds.

    Attributes:
        studies: DICOM studies in the order of their files, then NIfTI files.
        refusals: files and frames that belong to none of the studies and cannot be read.
        other_files: that are neither DICOM nor NIfTI.
    """

    studies: tuple[StudySource, ...]
    refusals: tuple[Refusal, ...]
    other_files: tuple[Path, ...]


def find_studies(path: str | Path, progress: ProgressOption = None) -> FoundStudies:
    """Find the studies of a folder (with its subfolders), a zip archive, a DICOMDIR, or one file; headers are read.

    Args:
        path: of the place.
        progress: a callable, True for bars, None for silence.

    Raises:
        ScanError: it does not exist, or is an archive that cannot be read.

    Example:
        >>> from pydicom import examples
        >>> from tumorlens.studies.find_studies import find_studies
        >>> [len(study.entries) for study in find_studies(examples.get_path("mr")).studies]
        [1]
    """
    path = Path(path)
    named = path.is_file() and path.name.upper() != "DICOMDIR" and not is_zip(path)
    listed = list_series(path, progress)
    entries: defaultdict[str, list[SeriesEntry]] = defaultdict(list)
    for entry in listed.entries:
        entries[entry.study_uid].append(entry)
    of_series = {entry.to_dict()["series_instance_uid"]: entry.study_uid for entry in listed.entries}
    refused: defaultdict[str | None, list[Refusal]] = defaultdict(list)
    for refusal in listed.refusals:
        single = next(iter(entries)) if len(entries) == 1 else None
        refused[of_series.get(refusal.series, single)].append(refusal)
    studies = [
        StudySource(path, named, uid, tuple(series), tuple(refused.pop(uid, ()))) for uid, series in entries.items()
    ]
    other: list[Path] = []
    for content in listed.other_files:
        if _is_nifti(content):
            studies.append(StudySource(content.path, True, content=content))
        else:
            other.append(content.path)
    return FoundStudies(tuple(studies), tuple(refused.get(None, ())), tuple(other))


def read_volume(path: str | Path, *, series: str | int | None = None, number: int | None = None) -> Volume:
    """Read the slices of one series, or of a NIfTI file, with their places in the patient.

    Args:
        path: a folder with DICOM files, a zip archive, a DICOMDIR, one DICOM file, or a NIfTI file.
        series: number or SeriesInstanceUID; needed where none of several is chosen by its tags.
        number: of the volume in a NIfTI file with four dimensions, counted from 1.

    Returns:
        Slices whose gray values are decoded when they are asked for.

    Raises:
        ScanError: the path cannot be read.
        StudyError: it holds no study or several, or no such series.

    Example:
        >>> import tumorlens
        >>> tumorlens.read_volume("phantom-study", series=4)  # made by: tumorlens data phantom --study
        Volume(04_T2_axial: DICOM, 24 x 192 x 192, axial, 5 x ... mm)
    """
    return one_study(find_studies(path), path).choose(None if series is None else str(series), number=number)[0]


def one_study(found: FoundStudies, path: str | Path) -> StudySource:
    """The only study of a place.

    Raises:
        StudyError: it holds none, or several.
    """
    if len(found.studies) == 1:
        return found.studies[0]
    if found.studies:
        raise StudyError(f"holds {len(found.studies)} studies", file=path, expected="one", advice="name its folder")
    reasons = "; ".join(dict.fromkeys(one.reason for one in found.refusals))
    raise StudyError(
        f"holds no study{f' ({reasons})' if reasons else ''}", file=path, expected="a DICOM series or a NIfTI file"
    )


def _is_nifti(content: FileContent) -> bool:
    try:
        return identify(content) == "NIfTI"
    except ScanError:
        return False


def _facts(entry: SeriesEntry) -> dict[str, Any]:
    """The facts of a series without its place in a list."""
    return {name: value for name, value in entry.to_dict().items() if name not in ("study", "chosen")}


def _passed_over(entry: SeriesEntry) -> dict[str, Any]:
    """The facts of a series that was not taken; of one that could be used, why another was."""
    facts = _facts(entry)
    if entry.verdict.use == "yes":
        facts["reason"] += "; another series has more slices, is axial, or was acquired later"
    return facts


def _name(entry: SeriesEntry) -> str:
    facts = entry.to_dict()
    number = "" if facts["series_number"] < 0 else f"{facts['series_number']} "
    return f"{number}{facts['description'] or 'without description'}"
