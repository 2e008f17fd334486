"""Table -> uint8 arrays: every image, and every mask, laid on the canvas once, then mapped from disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._files import atomic_write, cache_folder
from tumorlens.datasets import Sample, Table, fingerprint, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError, ScanError
from tumorlens.models import Preprocessing
from tumorlens.scan import GrayImage, Mask, read_scan

Progress = Callable[[int, int], None]

# Part of the key: raise it when decoding or placing changes what lands in the array.
_VERSION = 1
_NAMED = 5  # unreadable files that an error names after the first


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a table, in its order.

    Attributes:
        drawn: (N, size, size) uint8, 1 = tumor; all 0 where no mask is known.
        known: (N,) bool, whether the mask says anything, as `mask_is_known`.
    """

    drawn: Mask
    known: npt.NDArray[np.bool_]


def mask_is_known(sample: Sample) -> bool:
    """Whether it is known where a sample's tumor lies: it has a mask, or shows no tumor and so an empty one.

    That a healthy image has nothing to draw is told by its label, and no set brings empty masks for them.
    Without them a network would never see what it must leave alone.
    """
    return sample.mask is not None or sample.label in HEALTHY


def cached_images(table: Table, preprocessing: Preprocessing, *, progress: Progress | None = None) -> GrayImage:
    """All images of a table as one (N, size, size) uint8 array, in the table's order.

    The array is keyed by the content of the files and by the canvas, so a changed image or another
    size makes a new one, and the same data decoded before is only mapped.

    Args:
        table: whose images.
        preprocessing: only its canvas matters; normalizing happens later, on the device.
        progress: called with (done, total).

    Raises:
        DataError: some files cannot be read; names the first few.
    """
    return _cached(f"{_VERSION}|{fingerprint(table)}|{preprocessing.input_geometry}", table, preprocessing, resample_scan, progress)


def cached_masks(table: Table, preprocessing: Preprocessing, *, progress: Progress | None = None) -> Masks:
    """All masks of a table, kept as `cached_images` keeps its images and lying on the canvas as those do.

    Args:
        table: whose masks.
        preprocessing: only its canvas matters.
        progress: called with (done, total).

    Raises:
        DataError: some files cannot be read, or a mask does not fit its image; names the first few.
        MissingExtraError: h5py is needed for these files and is not installed.
    """
    key = f"{_VERSION}|{fingerprint(table, masks=True)}|{preprocessing.input_geometry}|masks"
    drawn = _cached(key, table, preprocessing, _place_mask, progress)
    return Masks(drawn, np.array([mask_is_known(sample) for sample in table.samples]))


def resample_scan(sample: Sample, preprocessing: Preprocessing) -> GrayImage:
    """One image on the canvas, (size, size) uint8.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    gray = read_scan(sample.image).gray_slice()
    with torch.inference_mode():
        placed = preprocessing.resample(torch.from_numpy(gray.copy())[None])[0, 0]
    image: GrayImage = placed.round().clamp(0, 255).to(torch.uint8).numpy()
    return image


def _place_mask(sample: Sample, preprocessing: Preprocessing) -> Mask:
    """One mask on the canvas, (size, size) uint8, where its image lies; all 0 where the sample has none.

    Raises:
        ScanError, DataError, MissingExtraError: as `read_sample_mask`.
    """
    mask = read_sample_mask(sample)
    if mask is None:
        size = preprocessing.input_geometry.size
        return np.zeros((size, size), np.uint8)
    gray = read_scan(sample.image).gray_slice()  # the head is looked for in the image
    with torch.inference_mode():
        _, placed = preprocessing.resample_with_masks(torch.from_numpy(gray.copy())[None], torch.from_numpy(mask.copy())[None])
    drawn: Mask = placed[0, 0].to(torch.uint8).numpy()
    return drawn


def _cached(
    key: str,
    table: Table,
    preprocessing: Preprocessing,
    place: Callable[[Sample, Preprocessing], GrayImage],
    progress: Progress | None,
) -> GrayImage:
    path = cache_folder() / f"{blake2b(key.encode(), digest_size=16).hexdigest()}.npy"
    if not path.is_file():
        _write(_decode(table, preprocessing, place, progress), path)
    array: GrayImage = np.load(path, mmap_mode="r")
    return array


def _decode(
    table: Table, preprocessing: Preprocessing, place: Callable[[Sample, Preprocessing], GrayImage], progress: Progress | None
) -> GrayImage:
    size = preprocessing.input_geometry.size
    out = np.zeros((len(table), size, size), dtype=np.uint8)
    bad: dict[int, ScanError] = {}

    def one(position: int) -> None:
        try:
            out[position] = place(table.samples[position], preprocessing)
        except ScanError as error:
            bad[position] = error

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done, _ in enumerate(threads.map(one, range(len(table))), start=1):
            if progress:
                progress(done, len(table))
    if bad:
        first, *others = (bad[position] for position in sorted(bad))
        names = ", ".join(Path(error.file).name for error in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        rest = f"; nor can {names}{more} be read" if others else ""
        raise DataError(f"{first}{rest}; remove them from the table and try again")
    return out


def _write(array: GrayImage, path: Path) -> None:
    with atomic_write(path) as part, part.open("wb") as stream:
        np.save(stream, array)
