"""Folder of predicted masks, one file per image or volume -> the masks of the samples of a table.

Another kind of mask file needs one entry in `MASK_READERS`. Masks of volumes are read by `volume_masks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tumorlens.errors import DataError, ScanError
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.volume_predictions import VolumePredictions
from tumorlens.predictions.image_index import ImageIndex
from tumorlens.predictions.prediction_request import PredictionRequest
from tumorlens.predictions.volume_masks import read_volume_masks
from tumorlens.scan import Mask, read_mask, read_size

MASK_READERS: dict[str, Callable[[Path], Mask]] = {
    ".png": read_mask,
    ".nii": read_mask,
    ".nii.gz": read_mask,
}
"""Ending of a file -> function that reads (H, W) uint8, 1 = tumor, and refuses more than two values."""


@dataclass(frozen=True, eq=False)
class FolderMasks:
    """The masks of a folder.

    Attributes:
        masks: of each sample of the table; None where it has none.
        surplus: masks of no sample.
        digest: SHA-256 over names and bytes of all files.
        volumes: the masks of whole volumes; None where the masks are of images.
    """

    masks: tuple[PackedMask | None, ...]
    surplus: int
    digest: str
    volumes: VolumePredictions | None = None


def mask_files(folder: Path) -> list[Path]:
    """The files of a folder, and below it, that may be masks."""
    return sorted(path for path in folder.rglob("*") if _ending(path) and path.is_file())


def read_masks(folder: Path, request: PredictionRequest) -> FolderMasks:
    """Read the masks of all samples of the table.

    Where the samples are slices of volumes and the masks are NIfTI files, each mask is of a volume.

    Raises:
        DataError: no mask in the folder, two for one image, or images and masks that do not belong together.
        ScanError: a mask has more than two values, or another size or grid than its image or volume.
    """
    files, samples = mask_files(folder), request.table.samples
    if not files:
        raise DataError(
            file=folder,
            found="no mask" if folder.is_dir() else "no such folder",
            expected=f"one mask ({', '.join(MASK_READERS)}) for each image, called like it",
        )
    if request.table.has_volumes and any(_ending(file) != ".png" for file in files):
        return _volume_masks(folder, [file for file in files if _ending(file) != ".png"], request)
    index, surplus, digest = ImageIndex(samples), [], sha256()
    of: dict[int, Path] = {}
    for file in files:
        name = file.relative_to(folder)
        digest.update(name.as_posix().encode() + file.read_bytes())
        position = index.find(name.with_name(name.name[: -len(_ending(name))]).as_posix())
        if position is None:
            surplus.append(name.as_posix())
        elif position in of:
            raise DataError(
                file=file, found=f"a second mask for {samples[position].id}, beside {of[position]}", expected="one"
            )
        else:
            of[position] = file
    request.check([sample.id for i, sample in enumerate(samples) if i not in of], surplus, folder)
    masks = tuple(_packed(of[i], sample.image) if i in of else None for i, sample in enumerate(samples))
    return FolderMasks(masks, len(surplus), digest.hexdigest())


def _packed(file: Path, image: Path) -> PackedMask:
    mask, size = MASK_READERS[_ending(file)](file), read_size(image)
    if mask.shape != size:
        raise ScanError(
            file,
            f"is {mask.shape[1]} x {mask.shape[0]} pixels, but its image has {size[1]} x {size[0]}",
            "resize it to the image, without interpolation",
            expected="the size of the image",
        )
    return PackedMask.of(mask)


def _volume_masks(folder: Path, files: list[Path], request: PredictionRequest) -> FolderMasks:
    found = read_volume_masks(folder, files, request)
    masks: list[PackedMask | None] = []
    kept: dict[str, Mask] = {}  # the last volume alone: samples stand volume after volume
    for sample in request.table.samples:
        origin = sample.origin
        prediction = found.volumes.by_volume.get(origin.volume) if origin else None
        if origin is None or prediction is None:
            masks.append(None)
            continue
        if origin.volume not in kept:
            kept = {origin.volume: prediction.mask()}
        masks.append(PackedMask.of(kept[origin.volume][found.places[sample.id]]))
    return FolderMasks(tuple(masks), found.surplus, found.digest, found.volumes)


def _ending(path: Path) -> str:
    """The ending of a file, as in `MASK_READERS`; empty for files that are no masks."""
    return next((one for one in MASK_READERS if path.name.lower().endswith(one)), "")
