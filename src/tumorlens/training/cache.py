"""Table -> uint8 array: every picture decoded and laid on the canvas once, then mapped from disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from tumorlens.datasets import Sample, Table, fingerprint
from tumorlens.errors import DataError, ScanError
from tumorlens.files import appearing, cache_folder
from tumorlens.models import Prepare
from tumorlens.scan import GreyImage, read_scan

# Part of the key: raise it when decoding or placing changes what lands in the array.
_VERSION = 1
_NAMED = 5  # unreadable files that an error names after the first


def cached_images(table: Table, prepare: Prepare, *, progress: Callable[[int, int], None] | None = None) -> GreyImage:
    """All pictures of a table as one (N, size, size) uint8 array, in the table's order.

    The array is keyed by the content of the files and by the canvas, so a changed picture or another
    size makes a new one, and the same data decoded before is only mapped.

    Args:
        table: whose pictures.
        prepare: only its canvas matters; normalising happens later, on the device.
        progress: called with (done, total).

    Raises:
        DataError: some files cannot be read; names the first few.
    """
    key = blake2b(f"{_VERSION}|{fingerprint(table)}|{prepare.canvas}".encode(), digest_size=16).hexdigest()
    path = cache_folder() / f"{key}.npy"
    if not path.is_file():
        _write(_decode(table, prepare, progress), path)
    array: GreyImage = np.load(path, mmap_mode="r")
    return array


def place_scan(sample: Sample, prepare: Prepare) -> GreyImage:
    """One picture on the canvas, (size, size) uint8.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    grey = read_scan(sample.image).grey_slice()
    with torch.inference_mode():
        placed = prepare.place(torch.from_numpy(grey.copy())[None])[0, 0]
    image: GreyImage = placed.round().clamp(0, 255).to(torch.uint8).numpy()
    return image


def _decode(table: Table, prepare: Prepare, progress: Callable[[int, int], None] | None) -> GreyImage:
    size = prepare.canvas.size
    out = np.zeros((len(table), size, size), dtype=np.uint8)
    bad: dict[int, ScanError] = {}

    def one(position: int) -> None:
        try:
            out[position] = place_scan(table.samples[position], prepare)
        except ScanError as error:
            bad[position] = error

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done, _ in enumerate(threads.map(one, range(len(table))), start=1):
            if progress:
                progress(done, len(table))
    if bad:
        first, *others = (bad[position] for position in sorted(bad))
        names = ", ".join(Path(error.path).name for error in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        rest = f"; nor can {names}{more} be read" if others else ""
        raise DataError(f"{first}{rest}; remove them from the table and try again")
    return out


def _write(array: GreyImage, path: Path) -> None:
    with appearing(path) as part, part.open("wb") as stream:
        np.save(stream, array)
