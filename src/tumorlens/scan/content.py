"""file -> format, from its first bytes, never from its name."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tumorlens.errors import ScanError

MAX_PIXELS = 2**26
"""Maximum number of pixels in one file, all pages together: 64 slices of 1024 x 1024."""

EXPECTED = "a PNG, JPEG, TIFF or BMP image, a DICOM, NIfTI or MATLAB v7.3 file"

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS = (0, 512)  # MATLAB writes 512 bytes in front
_UNSUPPORTED = {
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"GIF8": "a GIF image",
    b"RIFF": "a WebP image, audio or video",
    b"MATLAB 5.0": "a MATLAB file older than v7.3 (save it with the option -v7.3)",
}
_HEAD_BYTES = 4096
_NIFTI_HEADER_BYTES = 352
_FIRST_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x08")  # of a DICOM file without preamble; the last one is big endian


@dataclass(frozen=True)
class FileContent:
    """The content of a file, on disk or in memory.

    Attributes:
        path: of the file; its name in messages where the content is in memory.
        data: the content; None where it is on disk.
    """

    path: Path
    data: bytes | None = field(default=None, repr=False)

    @property
    def on_disk(self) -> bool:
        """Whether it is a file of its own on disk."""
        return self.data is None

    def open(self) -> BinaryIO:
        """A new binary stream at its first byte."""
        return self.path.open("rb") if self.data is None else io.BytesIO(self.data)


def identify(file: FileContent) -> str:
    """The format of a file: ``"PNG"``, ``"JPEG"``, ``"TIFF"``, ``"BMP"``, ``"HDF5"``, ``"DICOM"`` or ``"NIfTI"``.

    Raises:
        ScanError: the file does not exist, is a folder, is empty, or has another format.
    """
    path, head = file.path, _head(file)
    kind = _kind(head)
    if kind is None:
        raise ScanError(path, f"holds {_describe_unsupported(head)}", expected=EXPECTED)
    return kind


def is_dicom(file: FileContent) -> bool:
    """Whether a file is DICOM.

    Raises:
        ScanError: it cannot be opened, or is empty.
    """
    return _kind(_head(file)) == "DICOM"


def _kind(head: bytes) -> str | None:
    """The format of a file with this first part; None for an unknown one."""
    if head[128:132] == b"DICM":
        return "DICOM"
    if _is_nifti(head) or _is_nifti(_gunzip(head)):
        return "NIfTI"
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if any(head.startswith(_HDF5, offset) for offset in _HDF5_OFFSETS):
        return "HDF5"
    if _is_bare_dicom(head):
        return "DICOM"
    return None


def _head(file: FileContent) -> bytes:
    path = file.path
    if file.on_disk and path.is_dir():
        raise ScanError(path, "is a folder", "name a file inside it")
    if file.on_disk and not path.exists():
        raise ScanError(path, "does not exist", "check the path")
    if file.on_disk and not path.is_file():
        raise ScanError(path, "is not a regular file", expected=EXPECTED)
    try:
        with file.open() as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ScanError(path, f"cannot be opened ({error.strerror})", "check that it may be read") from error
    if not head:
        raise ScanError(path, "is empty (0 bytes)", "copy or download it again")
    return head


def _is_nifti(head: bytes) -> bool:
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


def _is_bare_dicom(head: bytes) -> bool:
    """Whether a file without preamble begins with a plausible element of group 2 or 8.

    The value representation is two capital letters, or (implicit) a length that is even and small.
    """
    if head[:2] not in _FIRST_GROUPS or len(head) < 8:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[4:8], "little")
    return explicit or (length < len(head) and length % 2 == 0 and head[3] == 0)


def _gunzip(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _NIFTI_HEADER_BYTES)
    except zlib.error:
        return b""


def _describe_unsupported(head: bytes) -> str:
    for signature, name in _UNSUPPORTED.items():
        if head.startswith(signature):
            return name
    is_text = not set(head) & set(range(9))  # control characters that do not occur in text
    return "text, not an image" if is_text else "neither an image nor a supported format"
