"""Table -> uint8 arrays of all images and masks at the input size, decoded once and then memory-mapped."""

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
from tumorlens._progress import Progress, silent, stage_of
from tumorlens.datasets import Sample, Table, fingerprint, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError, ScanError
from tumorlens.models import Preprocessing
from tumorlens.scan import GrayImage, Mask, read_scan

# Part of the key: raise it when decoding or resampling changes the array.
_VERSION = 1
_LISTED = 5  # unreadable files that an error lists after the first


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a table, in its order.

    Attributes:
        arrays: (N, size, size) uint8, 1 = tumor; all 0 where no mask is known.
        known: (N,) bool, whether the mask is known, as `mask_is_known`.
    """

    arrays: Mask
    known: npt.NDArray[np.bool_]


def mask_is_known(sample: Sample) -> bool:
    """Whether the mask of a sample is known: it has one, or it is healthy and so has an empty one.

    Data sets have no mask files for healthy images. Their empty masks follow from the label, and a network needs them
    as examples without a tumor.
    """
    return sample.mask is not None or sample.label in HEALTHY


def cached_images(table: Table, preprocessing: Preprocessing, *, progress: Progress = silent) -> GrayImage:
    """All images of a table as one (N, size, size) uint8 array, in the table's order.

    The key of the cache is the content of the files and the input geometry: a changed image or another size makes a new
    array, and an array that exists is only memory-mapped.

    Args:
        table: whose images.
        preprocessing: only its input geometry matters; normalization happens later, on the device.
        progress: called after each image that is decoded; not called where they are in the cache.

    Raises:
        DataError: some files cannot be read; lists the first few.
    """
    key = f"{_VERSION}|{fingerprint(table)}|{preprocessing.input_geometry}"
    return _cached(key, table, preprocessing, resample_scan, stage_of(progress, "decoding images"))


def cached_masks(table: Table, preprocessing: Preprocessing, *, progress: Progress = silent) -> Masks:
    """All masks of a table, cached and resampled like the images of `cached_images`.

    Args:
        table: whose masks.
        preprocessing: only its input geometry matters.
        progress: called after each mask that is decoded; not called where they are in the cache.

    Raises:
        DataError: some files cannot be read, or a mask does not fit its image; lists the first few.
        MissingExtraError: h5py is needed for these files and is not installed.
    """
    key = f"{_VERSION}|{fingerprint(table, masks=True)}|{preprocessing.input_geometry}|masks"
    arrays = _cached(key, table, preprocessing, _resample_mask, stage_of(progress, "decoding masks"))
    return Masks(arrays, np.array([mask_is_known(sample) for sample in table.samples]))


def resample_scan(sample: Sample, preprocessing: Preprocessing) -> GrayImage:
    """One image at the input size, (size, size) uint8.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    gray = read_scan(sample.image).gray_slice()
    with torch.inference_mode():
        resampled = preprocessing.resample(torch.from_numpy(gray.copy())[None])[0, 0]
    image: GrayImage = resampled.round().clamp(0, 255).to(torch.uint8).numpy()
    return image


def _resample_mask(sample: Sample, preprocessing: Preprocessing) -> Mask:
    """One mask at the input size, (size, size) uint8, resampled like its image; all 0 where the sample has none.

    Raises:
        ScanError, DataError, MissingExtraError: as `read_sample_mask`.
    """
    mask = read_sample_mask(sample)
    if mask is None:
        size = preprocessing.input_geometry.size
        return np.zeros((size, size), np.uint8)
    gray = read_scan(sample.image).gray_slice()  # a head crop depends on the image
    with torch.inference_mode():
        _, resampled = preprocessing.resample_with_masks(
            torch.from_numpy(gray.copy())[None], torch.from_numpy(mask.copy())[None]
        )
    array: Mask = resampled[0, 0].to(torch.uint8).numpy()
    return array


def _cached(
    key: str,
    table: Table,
    preprocessing: Preprocessing,
    resample: Callable[[Sample, Preprocessing], GrayImage],
    progress: Progress,
) -> GrayImage:
    path = cache_folder() / f"{blake2b(key.encode(), digest_size=16).hexdigest()}.npy"
    if not path.is_file():
        _write(_decode(table, preprocessing, resample, progress), path)
    array: GrayImage = np.load(path, mmap_mode="r")
    return array


def _decode(
    table: Table,
    preprocessing: Preprocessing,
    resample: Callable[[Sample, Preprocessing], GrayImage],
    progress: Progress,
) -> GrayImage:
    size = preprocessing.input_geometry.size
    out = np.zeros((len(table), size, size), dtype=np.uint8)
    unreadable: dict[int, ScanError] = {}

    def one(position: int) -> None:
        try:
            out[position] = resample(table.samples[position], preprocessing)
        except ScanError as error:
            unreadable[position] = error

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done, _ in enumerate(threads.map(one, range(len(table))), start=1):
            progress("decoding", done, len(table))
    if unreadable:
        first, *others = (unreadable[position] for position in sorted(unreadable))
        names = ", ".join(Path(error.file).name for error in others[:_LISTED])
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        rest = f" (nor can {names}{more} be read)" if others else ""
        raise DataError(
            file=first.file,
            found=f"{first.found}{rest}",
            expected=first.expected,
            advice=f"{first.advice}, or remove what cannot be read from the table"
            if first.advice
            else "remove what cannot be read from the table",
        )
    return out


def _write(array: GrayImage, path: Path) -> None:
    with atomic_write(path) as part, part.open("wb") as stream:
        np.save(stream, array)
