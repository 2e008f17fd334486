"""slices of a table that are one volume -> the volume in 3D, with its reference mask and the place of each slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.errors import DataError
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.volume_predictions import VolumePrediction
from tumorlens.scan import Mask
from tumorlens.scan.content import FileContent, identify
from tumorlens.scan.dicom.frame_volume import read_frame_volume
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.volume import Reorientation, Volume
from tumorlens.scan.volume_grid import read_mask_volume


@dataclass(frozen=True, eq=False)
class TableVolume:
    """A volume of a table.

    Attributes:
        id: of the volume.
        samples: its slices.
        file: the NIfTI file, the DICOM file with all frames, or the folder of the DICOM files.
        volume: upright. Of NIfTI the whole file, of DICOM the slices of the table alone; gray values are not yet read.
        places: id of a sample -> the index of its slice in `volume`.
        turn: from samples that are read as they are stored to slices of `volume`; None where they are read upright.
    """

    id: str
    samples: tuple[Sample, ...]
    file: Path
    volume: Volume
    places: Mapping[str, int]
    turn: Reorientation | None = None

    @property
    def plane(self) -> str:
        """Of its slices, one of `tumorlens.scan.volume.PLANES`."""
        location = SliceLocation.parse(self.samples[0].image)
        return (location and location.plane) or self.volume.plane

    def stacked(self, masks: Mapping[str, PackedMask]) -> VolumePrediction:
        """Predicted masks of slices as one mask of the volume; slices without one are empty.

        Args:
            masks: id of a sample -> its mask.

        Raises:
            DataError: a mask does not have the size of a slice.
        """
        volume = np.zeros(self.volume.size, dtype=np.uint8)
        for name, mask in masks.items():
            volume[self.places[name]] = self._slice(mask.unpack())
        return VolumePrediction.of(volume, positive=bool(volume.any()))

    def reference(self) -> Mask | None:
        """(D, H, W) uint8, 1 = tumor; None where no reference mask says for every slice what is tumor.

        Raises:
            DataError: a mask does not have the size of the volume.
            ScanError: a mask cannot be read.
        """
        masked = [sample for sample in self.samples if sample.mask is not None]
        if not masked or any(sample.mask is None and sample.label not in HEALTHY for sample in self.samples):
            return None
        first = masked[0]
        location = MaskLocation.parse(first.mask).slice if first.mask else None
        if location is not None and location.plane and self.volume.format == "NIfTI":
            _, mask = read_mask_volume(location.file, self.plane, location.labels, fill=location.filled)
            return self._checked(mask, location.file)
        volume = np.zeros(self.volume.size, dtype=np.uint8)
        for sample in masked:
            stored = read_sample_mask(sample)
            assert stored is not None
            volume[self.places[sample.id]] = self._slice(stored)
        return volume

    def _slice(self, mask: Mask) -> Mask:
        """A mask of a sample as a slice of the volume."""
        turned = mask if self.turn is None else self.turn.apply(mask[None])[0]
        if turned.shape != self.volume.size[1:]:
            raise DataError(
                file=self.file,
                found=f"a mask of {turned.shape} pixels",
                expected=f"masks of the {self.volume.size[1:]} pixels of its slices",
            )
        return turned

    def _checked(self, mask: Mask, file: Path) -> Mask:
        if mask.shape != self.volume.size:
            raise DataError(
                file=file,
                found=f"a reference mask of {mask.shape} voxels",
                expected=f"the {self.volume.size} voxels of {self.file.name}",
            )
        return mask


def open_table_volume(id: str, samples: Iterable[Sample]) -> TableVolume | str:
    """Open a volume of a table: the headers of its files are read, and no voxel.

    Args:
        id: of the volume.
        samples: its slices: of a NIfTI file, or of DICOM files.

    Returns:
        The volume, or why its slices make none in 3D, as a clause.

    Raises:
        ScanError: a file cannot be read.
    """
    samples = tuple(samples)
    locations = [SliceLocation.parse(sample.image) for sample in samples]
    first = locations[0]
    if first is not None and first.plane is not None:
        if any(one is None or (one.file, one.plane) != (first.file, first.plane) for one in locations):
            return "slices of several files or planes"
        places = {sample.id: _index(sample) for sample in samples}
        return TableVolume(id, samples, first.file, read_nifti_volume(first.file, plane=first.plane), places)
    if len({one is None or one.plane for one in locations}) > 1:
        return "slices of several files or planes"
    return _dicom_volume(id, samples, first is None)


def _dicom_volume(id: str, samples: tuple[Sample, ...], as_stored: bool) -> TableVolume | str:
    """A volume of DICOM frames; samples that name a file without a frame are read as they are stored."""
    if as_stored and any(identify(FileContent(sample.image)) != "DICOM" for sample in samples):
        return "slices that are images without a place in the patient"
    frames = [SliceLocation.parse(sample.image) or SliceLocation(sample.image, None, 1) for sample in samples]
    found = read_frame_volume(frames)
    if isinstance(found, str):
        return found
    files = {frame.file for frame in frames}
    return TableVolume(
        id,
        samples,
        found.volume.path if len(files) > 1 else frames[0].file,
        found.volume,
        {sample.id: place for sample, place in zip(samples, found.places, strict=True)},
        found.turn if as_stored else None,
    )


def _index(sample: Sample) -> int:
    assert sample.origin is not None  # `Table.volumes` holds slices of volumes alone
    return sample.origin.slice_index
