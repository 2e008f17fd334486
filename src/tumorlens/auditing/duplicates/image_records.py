"""files -> image records: each file read and decoded once, with everything that the audit needs of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zlib import adler32, crc32

import numpy as np

from tumorlens._progress import Progress, silent
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails, make_thumbnails
from tumorlens.errors import ScanError
from tumorlens.scan import GrayImage, read_scan
from tumorlens.scan.burned_in_text import burned_in_text
from tumorlens.scan.slice_location import SliceLocation


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """The properties of one decoded file.

    Attributes:
        path: the file, or that of a slice in it.
        file_size: bytes; of a slice of a volume those of its gray values.
        file_hash: of its bytes, equal for byte-identical files; "" of a slice of a volume.
        format: detected from its content, such as ``"PNG"``; "" where the file cannot be read.
        mode: of its pixels, such as ``"RGB"``; "" where the file cannot be read.
        size: height and width, pixels; (0, 0) where the file cannot be read.
        pixel_hash: checksums of its gray values; equal for pixel-identical images in any format; "" where unread.
        border: mean and standard deviation of its outermost pixels, gray levels.
        thumbnails: (4, 64, 64) uint8 of `make_thumbnails`; None where the image is blank or cannot be read.
        text: where lines of text are burned into the pixels: "beside" the head or "over" it, each at most once.
        read_error: why the file cannot be read; None where it can.
    """

    path: Path
    file_size: int
    file_hash: str
    format: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    pixel_hash: str = ""
    border: tuple[float, float] = (0.0, 0.0)
    thumbnails: Thumbnails | None = None
    text: tuple[str, ...] = ()
    read_error: str | None = None

    @property
    def is_blank(self) -> bool:
        """Readable, but with one gray value only."""
        return self.thumbnails is None and self.read_error is None


def read_image_record(path: Path) -> ImageRecord:
    """Read one file; an unreadable one gives a record with a `read_error`, not an exception."""
    if SliceLocation.parse(path):  # its file is read once for all slices
        file_size, file_hash = 0, ""
    else:
        try:
            raw = path.read_bytes()
        except OSError as error:
            return ImageRecord(path, 0, "", read_error=f"cannot be read ({error.strerror or error})")
        file_size, file_hash = len(raw), blake2b(raw, digest_size=16).hexdigest()
    try:
        scan = read_scan(path)
        gray = scan.gray_slice()
    except (ScanError, OSError) as error:
        reason = error.found if isinstance(error, ScanError) else f"cannot be read ({error.strerror or error})"
        return ImageRecord(path, file_size, file_hash, read_error=reason)
    return ImageRecord(
        path=path,
        file_size=file_size or scan.pixels.nbytes,
        file_hash=file_hash,
        format=scan.format,
        mode=scan.mode,
        size=scan.size,
        pixel_hash=_pixel_checksums(gray),
        border=_border(gray),
        thumbnails=make_thumbnails(gray),
        text=tuple(sorted({line.place for line in burned_in_text(gray)})),
    )


def read_image_records(paths: Sequence[Path], *, progress: Progress = silent) -> list[ImageRecord]:
    """The records of many files, in order, read on all cores.

    Args:
        paths: the files.
        progress: called after each file.
    """
    records = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for record in threads.map(read_image_record, paths):
            records.append(record)
            progress("reading images", len(records), len(paths))
    return records


def whole_frames(records: Sequence[ImageRecord], positions: Iterable[int]) -> Thumbnails:
    """(N, 64, 64) thumbnails of whole images, of those records that have thumbnails."""
    return np.stack([thumbnails[0] for i in positions if (thumbnails := records[i].thumbnails) is not None])


def _pixel_checksums(gray: GrayImage) -> str:
    """The shape and two checksums of the gray values: five times faster than a hash, and nobody forges a slice."""
    values = np.ascontiguousarray(gray).data
    return f"{gray.shape[0]} x {gray.shape[1]} {crc32(values):08x} {adler32(values):08x}"


def _border(gray: GrayImage) -> tuple[float, float]:
    ring = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    return float(ring.mean()), float(ring.std())
