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

EXPECTED = "a PNG, JPEG, TIFF or BMP image or a MATLAB v7.3 file"

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


@dataclass(frozen=True)
class FileContent:
    """The content of a file, on disk or in memory.

    Attributes:
        path: of the file; its name in messages where the content is in memory.
        data: the content; None where it is on disk.
    """

    path: Path
    data: bytes | None = field(default=None, repr=False)

    def open(self) -> BinaryIO:
        """A new binary stream at its first byte."""
        return self.path.open("rb") if self.data is None else io.BytesIO(self.data)


def identify(file: FileContent) -> str:
    """The format of a file: ``"PNG"``, ``"JPEG"``, ``"TIFF"``, ``"BMP"`` or ``"HDF5"``.

    Raises:
        ScanError: the file does not exist, is a folder, is empty, or has another format.
    """
    path, head = file.path, _head(file)
    if head[128:132] == b"DICM":
        raise _unsupported(path, "DICOM")
    if _is_nifti(head) or _is_nifti(_gunzip(head)):
        raise _unsupported(path, "NIfTI")
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if any(head.startswith(_HDF5, offset) for offset in _HDF5_OFFSETS):
        return "HDF5"
    raise ScanError(path, f"holds {_describe_unsupported(head)}", expected=EXPECTED)


def _head(file: FileContent) -> bytes:
    path = file.path
    if file.data is None and path.is_dir():
        raise ScanError(path, "is a folder", "name a file inside it")
    if file.data is None and not path.exists():
        raise ScanError(path, "does not exist", "check the path")
    if file.data is None and not path.is_file():
        raise ScanError(path, "is not a regular file", expected=EXPECTED)
    try:
        with file.open() as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ScanError(path, f"cannot be opened ({error.strerror})", "check that it may be read") from error
    if not head:
        raise ScanError(path, "is empty (0 bytes)", "copy or download it again")
    return head


def _unsupported(path: Path, kind: str) -> ScanError:
    return ScanError(path, f"holds {kind}, which is not read yet", "convert it to PNG or TIFF first")


def _is_nifti(head: bytes) -> bool:
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


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
