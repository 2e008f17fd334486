"""files -> looks: each file read and decoded once, and all that the audit needs of it kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from zlib import adler32, crc32

import numpy as np

from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails, thumbnails
from tumorlens.errors import ScanError
from tumorlens.scan import GrayImage, read_scan

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """What one decoding of a file says about it.

    Attributes:
        path: the file.
        bytes: its size.
        content: hash of its bytes; equal for byte-identical files.
        format: what it holds, told by content, such as ``"PNG"``; "" where it cannot be read.
        mode: how its pixels are stored, such as ``"RGB"``; "" where it cannot be read.
        size: height and width, pixels; (0, 0) where it cannot be read.
        pixels: checksums of its gray values; equal for pixel-identical images, whatever the file; "" where unread.
        border: mean and standard deviation of its outermost pixels, gray levels.
        thumbnails: (4, 64, 64) uint8, see `tumorlens.auditing.duplicates.perceptual_hash`; None where it is blank or cannot be read.
        problem: why it cannot be read; None where it can.
    """

    path: Path
    bytes: int
    content: str
    format: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    pixels: str = ""
    border: tuple[float, float] = (0.0, 0.0)
    thumbnails: Thumbnails | None = None
    problem: str | None = None

    @property
    def blank(self) -> bool:
        """Readable, but of one gray."""
        return self.thumbnails is None and self.problem is None


def look(path: Path) -> ImageRecord:
    """Read one file; one that cannot be read is a look with a `problem`, not an error."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return ImageRecord(path, 0, "", problem=f"cannot be read ({error.strerror or error})")
    content = _hash(raw)
    try:
        scan = read_scan(path)
        gray = scan.gray_slice()
    except ScanError as error:
        return ImageRecord(path, len(raw), content, problem=error.found)
    return ImageRecord(
        path=path,
        bytes=len(raw),
        content=content,
        format=scan.format,
        mode=scan.mode,
        size=scan.size,
        pixels=_sums(gray),
        border=_border(gray),
        thumbnails=thumbnails(gray),
    )


def image_records(paths: Sequence[Path], *, progress: Progress | None = None) -> list[ImageRecord]:
    """`look` at many files, in order, on all cores.

    Args:
        paths: the files.
        progress: called with (done, total).
    """
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for one in threads.map(look, paths):
            found.append(one)
            if progress:
                progress(len(found), len(paths))
    return found


def frames(image_records: Sequence[ImageRecord], positions: Iterable[int]) -> Thumbnails:
    """(N, 64, 64) whole frames of images that have them."""
    return np.stack([drawn[0] for i in positions if (drawn := image_records[i].thumbnails) is not None])


def stepwise(progress: Progress | None, step: int, steps: int) -> Progress | None:
    """The progress of one of several equal steps, as part of the whole."""
    return (lambda done, total: progress(step * total + done, steps * total)) if progress else None


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _sums(gray: GrayImage) -> str:
    """The shape and two checksums of its gray values: five times as quick as a hash, and nobody forges a slice."""
    values = np.ascontiguousarray(gray).data
    return f"{gray.shape[0]} x {gray.shape[1]} {crc32(values):08x} {adler32(values):08x}"


def _border(gray: GrayImage) -> tuple[float, float]:
    ring = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    return float(ring.mean()), float(ring.std())
