"""Folder of NIfTI masks of another tool -> a mask on the voxels of each volume of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tumorlens.errors import DataError, ScanError
from tumorlens.evaluation.table_volume import TableVolume, open_table_volume
from tumorlens.evaluation.volume_predictions import ANY_VOXEL, VolumePrediction, VolumePredictions
from tumorlens.predictions.prediction_request import PredictionRequest
from tumorlens.predictions.volume_index import VolumeIndex, volume_sample
from tumorlens.scan import Mask
from tumorlens.scan.volume_grid import grid_text, read_mask_volume, resample_mask, same_grid, shared_slices


@dataclass(frozen=True, eq=False)
class FolderVolumes:
    """The masks of volumes of a folder.

    Attributes:
        volumes: by the ids of the table.
        places: id of a sample -> the index of its slice in its volume.
        surplus: masks of no volume.
        digest: SHA-256 over names and bytes of all files.
    """

    volumes: VolumePredictions
    places: Mapping[str, int]
    surplus: int
    digest: str


def read_volume_masks(folder: Path, files: Sequence[Path], request: PredictionRequest) -> FolderVolumes:
    """Read the masks of all volumes of the table.

    Slices are put in order by the affine of each file, so that a mask that is stored in another orientation than its
    volume lies on the same place of the patient.

    Args:
        folder: of the masks.
        files: NIfTI files in it.
        request: with the table, the values that count as tumor, and whether to resample.

    Raises:
        DataError: two masks for one volume, or volumes and masks that do not belong together.
        ScanError: a file cannot be read, holds no mask, or lies on another grid and is not to be resampled.
    """
    opened = (open_table_volume(name, samples) for name, samples in request.table.volumes.items())
    known = [one for one in opened if not isinstance(one, str)]
    index = VolumeIndex([volume_sample(one.id, one.file) for one in known])
    of: dict[int, Path] = {}
    surplus, digest = [], sha256()
    for file in files:
        name = file.relative_to(folder).as_posix()
        digest.update(name.encode() + file.read_bytes())
        position = index.find(name)
        if position is None:
            surplus.append(name)
        elif position in of:
            raise DataError(
                file=file, found=f"a second mask for {known[position].id}, beside {of[position]}", expected="one"
            )
        else:
            of[position] = file
    missing = [one.id for i, one in enumerate(known) if i not in of]
    slices = [sample.id for name in missing for sample in request.table.volumes[name]]
    request.check(slices, surplus, folder)
    found, resampled = {}, 0
    for count, (position, file) in enumerate(of.items(), 1):
        mask, changed = _on_grid(file, known[position], request)
        found[known[position].id] = VolumePrediction.of(mask, positive=bool(mask.any()))
        resampled += changed
        request.progress("masks of volumes", count, len(of))
    notes = []
    if resampled:
        notes.append(f"{resampled:,} of {len(of):,} predicted masks lay on another grid and were resampled.")
    if request.mask_labels:
        values = ", ".join(map(str, request.mask_labels))
        notes.append(f"Only the values {values} of the predicted masks count as tumor.")
    rule = "masks of another tool, as they are"
    places = {name: place for one in known for name, place in one.places.items()}
    volumes = VolumePredictions(found, rule, ANY_VOXEL, tuple(notes))
    return FolderVolumes(volumes, places, len(surplus), digest.hexdigest())


def _on_grid(file: Path, one: TableVolume, request: PredictionRequest) -> tuple[Mask, bool]:
    """The mask on the voxels of its volume, and whether it was resampled."""
    target = one.volume
    source, mask = read_mask_volume(file, one.plane, request.mask_labels)
    if same_grid(source, target):
        return mask, False
    if (kept := shared_slices(source, target)) is not None:
        return mask[kept], False
    if not request.resample_masks:
        raise ScanError(
            file,
            f"holds {grid_text(source)}",
            "write masks on the grid of the volume, or resample them with --resample-masks",
            expected=f"the grid of {one.file.name}, {grid_text(target)}",
        )
    return resample_mask(mask, source, target), True
