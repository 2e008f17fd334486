"""Paths of the command line -> images that are predicted one by one, and studies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tumorlens._progress import Progress, silent
from tumorlens.datasets.formats.class_folders import images_below
from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent, identify
from tumorlens.scan.stored_files import is_zip
from tumorlens.studies.find_studies import FoundStudies, StudySource, find_studies


@dataclass(frozen=True)
class Inputs:
    """What is to be predicted.

    Attributes:
        images: that are predicted one by one, and names that lead nowhere, so that they are reported with the others.
        studies: that have one result each.
        failed: messages about files in folders and archives that cannot be read.
    """

    images: tuple[Path, ...]
    studies: tuple[StudySource, ...]
    failed: tuple[str, ...]


def find_inputs(paths: Iterable[Path], progress: Progress = silent) -> Inputs:
    """Tell images from studies, by content.

    A zip archive, a DICOMDIR, a file with several slices and the DICOM and NIfTI files in a folder are studies: each
    StudyInstanceUID is one, and each NIfTI file. All other images in a folder, and a file with one slice, are images.

    Args:
        paths: files and folders.
        progress: of reading headers.

    Example:
        >>> from pathlib import Path
        >>> from tumorlens.studies.find_inputs import find_inputs
        >>> found = find_inputs([Path("phantoms/images"), Path("phantom-study")])
        >>> len(found.images), len(found.studies)
        (24, 1)
    """
    images: list[Path] = []
    studies: list[StudySource] = []
    failed: list[str] = []
    for path in paths:
        try:
            found = find_studies(path, progress) if _may_hold_studies(path) else None
        except ScanError as error:
            failed.append(str(error))
            continue
        if found is None:
            images.append(path)
        elif path.is_dir():
            below = _other_images(path, found)
            images += below
            if not (below or found.studies or found.refusals):
                failed.append(f"{path}: holds no image, and no DICOM or NIfTI file")
            studies += found.studies
            failed += _messages(found)
        elif found.studies and not _is_one_slice(found.studies[0]):
            studies += found.studies
            failed += _messages(found)
        elif found.studies or is_zip(path) is False:
            images.append(path)  # reading it says what is wrong
        else:
            failed += _messages(found) or [f"{path}: holds no DICOM or NIfTI file"]
    return Inputs(tuple(dict.fromkeys(images)), tuple(studies), tuple(failed))


def _may_hold_studies(path: Path) -> bool:
    """Whether a path is a folder, an archive, or a DICOM or NIfTI file."""
    if path.is_dir() or is_zip(path):
        return True
    try:
        return identify(FileContent(path)) in ("DICOM", "NIfTI")
    except ScanError:
        return False


def _is_one_slice(source: StudySource) -> bool:
    if source.content is not None:
        try:
            return len(source.choose()[0]) == 1
        except ScanError:
            return False
    return source.named and sum(len(entry.stack.frames) for entry in source.entries) == 1


def _other_images(folder: Path, found: FoundStudies) -> list[Path]:
    """The images in a folder and below it that are in none of its studies."""
    taken = {source.path for source in found.studies}
    taken |= {frame.source.path for s in found.studies for entry in s.entries for frame in entry.stack.frames}
    taken |= {path for one in found.refusals for path in one.paths}
    taken |= {path for s in found.studies for one in s.refusals for path in one.paths}
    return [path for path in images_below(folder) if path not in taken]


def _messages(found: FoundStudies) -> list[str]:
    """What of a place cannot be read, one message for each file or series."""
    return [str(one) for one in found.refusals]
