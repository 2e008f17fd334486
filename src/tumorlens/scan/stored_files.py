"""folder, zip archive or DICOMDIR -> the files in it, read without unpacking anything to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tumorlens.errors import ScanError
from tumorlens.scan.content import FileContent

MAX_MEMBERS = 100_000
"""Maximum number of files in a zip archive."""

MAX_MEMBER_BYTES = 2**30
"""Maximum size of one file in a zip archive, unpacked: 1 GiB."""

MAX_ARCHIVE_BYTES = 2**34
"""Maximum size of all files in a zip archive together, unpacked: 16 GiB."""


@dataclass(frozen=True)
class ArchiveMember(FileContent):
    """A file in a zip archive.

    Attributes:
        archive: that holds it, open for reading.
        info: of the member.
    """

    archive: zipfile.ZipFile | None = field(default=None, repr=False)
    info: zipfile.ZipInfo | None = field(default=None, repr=False)

    @property
    def on_disk(self) -> bool:
        """False: it is inside of the archive."""
        return False

    def open(self) -> BinaryIO:
        """A new binary stream at its first byte; the member is unpacked into memory."""
        assert self.archive is not None
        assert self.info is not None
        try:
            with self.archive.open(self.info) as stream:
                data = stream.read(MAX_MEMBER_BYTES + 1)
        except Exception as error:  # damaged data raise errors of zipfile, zlib, lzma and others
            reason = str(error) or type(error).__name__
            raise ScanError(self.path, f"cannot be unpacked ({reason})", "make the archive again") from error
        if len(data) > MAX_MEMBER_BYTES:
            raise ScanError(self.path, f"holds more than {MAX_MEMBER_BYTES:,} bytes unpacked", "unpack the archive")
        return io.BytesIO(data)


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, by its first bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False


def stored_files(path: Path) -> Iterator[FileContent]:
    """The files of a folder and its subfolders, or of a zip archive, or one file, sorted by name.

    Hidden files and those that systems leave behind (`.DS_Store`, `._NAME`, `__MACOSX`) are left out.

    Raises:
        ScanError: the path does not exist, or the archive is damaged, encrypted, too large, or names a place outside of
            itself.
    """
    if path.is_dir():
        yield from (FileContent(file) for file in sorted(path.rglob("*")) if file.is_file() and _wanted(file, path))
    elif is_zip(path):
        yield from _members(path)
    elif path.exists():
        yield FileContent(path)
    else:
        raise ScanError(path, "does not exist", "check the path")


def _wanted(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in file.relative_to(folder).parts)


def _members(path: Path) -> Iterator[FileContent]:
    """The files of a zip archive."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ScanError(path, f"is a damaged zip archive ({error})", "copy or download it again") from error
    infos = [info for info in archive.infolist() if not info.is_dir()]
    total = sum(info.file_size for info in infos)
    if len(infos) > MAX_MEMBERS or total > MAX_ARCHIVE_BYTES:
        raise ScanError(
            path,
            f"holds {len(infos):,} files with {total:,} bytes unpacked",
            "unpack it and name the folder",
            expected=f"at most {MAX_MEMBERS:,} files with {MAX_ARCHIVE_BYTES:,} bytes together",
        )
    for info in sorted(infos, key=lambda info: info.filename):
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
            raise ScanError(
                path, f"names a place outside of itself ('{info.filename[:80]}')", "do not use this archive"
            )
        if info.flag_bits & 1:
            raise ScanError(path, "is encrypted", "unpack it with its password and name the folder")
        if not any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
            yield ArchiveMember(path / name, None, archive, info)
