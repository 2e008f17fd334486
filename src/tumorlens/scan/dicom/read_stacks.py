"""folder, zip archive, DICOMDIR or file -> the stacks of the DICOM files in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tumorlens._progress import ProgressOption, progress_of
from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent, is_dicom
from tumorlens.scan.dicom.dicom_file import DicomFile, quiet, read_dicom_file
from tumorlens.scan.dicom.header_value import header_value
from tumorlens.scan.dicom.stacks import Refusal, Stack, stacks_of
from tumorlens.scan.stored_files import stored_files

if TYPE_CHECKING:
    from pydicom import Dataset

_DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory: a DICOMDIR


@dataclass(frozen=True)
class DicomContents:
    """What a folder or an archive holds.

    Attributes:
        stacks: that can be read, by series number.
        refusals: frames and files that cannot, with the reason.
        other_files: files that are no DICOM files.
    """

    stacks: tuple[Stack, ...]
    refusals: tuple[Refusal, ...]
    other_files: tuple[FileContent, ...]


def read_stacks(path: str | Path, progress: ProgressOption = None) -> DicomContents:
    """Read the headers of all DICOM files and sort their frames into stacks; no pixel is decoded.

    Args:
        path: a folder (with its subfolders), a zip archive, a DICOMDIR, or one DICOM file.
        progress: a callable, True for bars, None for silence.

    Raises:
        ScanError: the path does not exist, or is an archive that cannot be read.

    Example:
        >>> from pydicom import examples
        >>> from tumorlens.scan.dicom.read_stacks import read_stacks
        >>> read_stacks(examples.get_path("mr")).stacks[0].volume()
        Volume(MR_small.dcm: DICOM, 1 x 64 x 64, axial, 1 x 0.3125 x 0.3125 mm)
    """
    path = Path(path)
    files: list[DicomFile] = []
    refusals: list[Refusal] = []
    other: list[FileContent] = []
    with progress_of(progress) as shown:
        contents = list(_files(path))
        for i, content in enumerate(contents, 1):
            shown("reading headers", i, len(contents))
            try:
                if not is_dicom(content):
                    other.append(content)
                    continue
                file = read_dicom_file(content)
            except ScanError as error:
                refusals.append(Refusal(error.found, 1, "", "", (content.path,), damaged=True))
                continue
            if not _is_directory(file.header):
                files.append(file)
    with quiet():
        stacks, unsorted = stacks_of(files)
    return DicomContents(tuple(stacks), (*refusals, *unsorted), tuple(other))


def _files(path: Path) -> Iterator[FileContent]:
    """The files of a folder or archive, or those that a DICOMDIR names."""
    if path.is_file() and path.name.upper() == "DICOMDIR":
        directory = read_dicom_file(FileContent(path))
        if _is_directory(directory.header):
            yield from _listed(directory)
            return
    yield from stored_files(path)


def _is_directory(header: Dataset) -> bool:
    return str(header_value(header.file_meta, "MediaStorageSOPClassUID")) == _DIRECTORY


def _listed(directory: DicomFile) -> Iterator[FileContent]:
    """The files that a DICOMDIR names, beside it.

    Raises:
        ScanError: it names a place outside of its folder.
    """
    path = directory.content.path
    for record in directory.header.get("DirectoryRecordSequence") or ():
        parts = record.get("ReferencedFileID")
        if not parts:
            continue
        name = PurePosixPath(*([parts] if isinstance(parts, str) else [str(part) for part in parts]))
        if name.is_absolute() or ".." in name.parts:
            raise ScanError(path, f"names a place outside of its folder ('{str(name)[:80]}')", "name the folder itself")
        yield FileContent(path.parent / name)
