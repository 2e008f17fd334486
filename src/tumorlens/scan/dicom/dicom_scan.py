"""one DICOM file -> Scan."""

from __future__ import annotations

from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.dicom_file import DicomFile, read_dicom_file
from tumorlens.scan.dicom.gray_values import gray_values
from tumorlens.scan.dicom.stacks import Stack, stacks_of, unreadable
from tumorlens.scan.types import Scan
from tumorlens.scan.volume import scan_of


def read_dicom(content: FileContent) -> Scan:
    """Read one file.

    Returns:
        Its slice (H, W), or the slices (D, H, W) of an enhanced file with one stack, sorted along their normal; with
        spacing and orientation where the file gives them.

    Raises:
        ScanError: it holds no gray slices, slices that make no volume, or several stacks.
        MissingExtraError: its pixels need a decoder that is not installed.
    """
    file = read_dicom_file(content)
    if reason := unreadable(file):
        raise ScanError(content.path, f"holds {reason}", expected="gray slices of a scanner")
    stacks, refusals = stacks_of([file])
    if file.frames == 1:
        return _slice(file, stacks)
    if len(stacks) != 1 or refusals:
        found = "; ".join(refusal.reason for refusal in refusals) or f"{len(stacks)} stacks of slices"
        raise ScanError(content.path, f"holds {file.frames} frames: {found}", expected="one stack of slices")
    if stacks[0].irregular:
        raise ScanError(content.path, f"holds slices that are {stacks[0].irregular}", expected="equally spaced slices")
    return scan_of(stacks[0].volume())


def dicom_size(content: FileContent) -> tuple[int, int]:
    """Height and width of the slices, pixels, from the header."""
    file = read_dicom_file(content)
    if reason := unreadable(file):
        raise ScanError(content.path, f"holds {reason}", expected="gray slices of a scanner")
    return int(file.header.Rows), int(file.header.Columns)


def _slice(file: DicomFile, stacks: list[Stack]) -> Scan:
    """The only frame of a file, with or without a place in the patient."""
    if stacks:
        return stacks[0].volume()[0]
    pixels = gray_values(file.stored(), file.header, file.header)
    return Scan(pixels, file.content.path, "DICOM", "gray")
