"""NIfTI volumes with their masks -> samples, one for each slice; what is left out is counted by reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Ints
from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.slice_origin import AcquisitionFacts, SliceOrigin
from tumorlens.datasets.table import VOLUME_PREFIX, Sample
from tumorlens.datasets.unannotated import UNANNOTATED
from tumorlens.errors import ScanError
from tumorlens.scan.head_slices import head_slices
from tumorlens.scan.mask import filled
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.slice_location import SliceLocation
from tumorlens.scan.types import Mask
from tumorlens.scan.volume import PLANES, Volume
from tumorlens.scan.volume_grid import same_grid

NO_TUMOR, TUMOR = "no_tumor", "tumor"

_NEARLY_CUBES = 1.5  # largest side of a voxel over the smallest
_MOST_LABELS = 32  # distinct values of a mask; more are gray values


@dataclass(frozen=True)
class VolumeEntry:
    """A volume of a data set.

    Attributes:
        id: ``"<set>/<name>"``, the same on every machine.
        image: the NIfTI file.
        mask: the NIfTI file of its reference mask; None where it has none.
        label: class of the volume; None where unknown.
        group: the patient, ``"<set>:<patient>"``; None where unknown.
        plane: of the slices; None for that of the acquisition.
        mask_labels: values of the mask that count as tumor; empty for all but 0.
        study: of the volume; None where unknown.
        sequence: of the volume; None where unknown.
        contrast: whether contrast was given; None where unknown.
        skull_stripped: whether nothing but the brain is left; None where unknown.
        step: millimeters from one slice that is used to the next; 0 for all slices.
        filled: whether holes in the slices of the mask count as tumor.
        smallest: pixels: slices with a mask that is smaller, and not empty, are left out.
    """

    id: str
    image: Path
    mask: Path | None = None
    label: str | None = None
    group: str | None = None
    plane: str | None = None
    mask_labels: tuple[int, ...] = ()
    study: str | None = None
    sequence: str | None = None
    contrast: bool | None = None
    skull_stripped: bool | None = None
    step: float = 0.0
    filled: bool = False
    smallest: int = 0


@dataclass
class LeftOut:
    """What does not become a sample.

    Attributes:
        volumes: reason -> number of files.
        facts: other sentences on the volumes -> number of volumes or slices.
    """

    volumes: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    def notes(self, name: str) -> tuple[str, ...]:
        """One sentence for each reason, for the notes of the table with this name."""
        left = (f"{name}: {n:,} file{'s' * (n > 1)} left out: {reason}" for reason, n in sorted(self.volumes.items()))
        return (*left, *(f"{name}: {n:,} {fact}" for fact, n in sorted(self.facts.items())))


def volume_planes(image: Path) -> tuple[str | None, ...]:
    """The planes in which a volume can be cut: all where its voxels are nearly cubes, else that of the acquisition.

    Args:
        image: a NIfTI file.

    Raises:
        ScanError: it cannot be read.
    """
    spacing = read_nifti_volume(image).spacing
    cubes = spacing is not None and max(spacing) <= _NEARLY_CUBES * min(spacing)
    return PLANES if cubes else (None,)


def volume_samples(entries: Iterable[VolumeEntry], left_out: LeftOut) -> tuple[Sample, ...]:
    """The slices of volumes.

    With a mask, a slice has the class of its volume (`TUMOR` where it has none) where the mask is not empty, and
    `NO_TUMOR` elsewhere. Without a mask, the slices of a healthy volume have its class, and those of others are
    unannotated. Slices at both ends of a volume that show no head are left out.

    Args:
        entries: volumes; each file is read once.
        left_out: gets what is left out, by reason.
    """
    samples: list[Sample] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for result in threads.map(_slices, entries):
            if isinstance(result, str):
                left_out.volumes[result] += 1
                continue
            samples += result.samples
            left_out.facts.update(result.facts)
    return tuple(samples)


def kept_range(shows: Flags) -> range:
    """The slices from the first to the last that shows a head."""
    found = np.flatnonzero(shows)
    return range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)


@dataclass(frozen=True)
class _Slices:
    samples: list[Sample]
    facts: Counter[str]


def _slices(entry: VolumeEntry) -> _Slices | str:
    """The samples of a volume, or why it is left out."""
    try:
        volume = read_nifti_volume(entry.image, plane=entry.plane)
        heads = head_slices(volume)
        sizes = None
        if entry.mask is not None:
            mask = read_nifti_volume(entry.mask, plane=volume.plane)
            if not same_grid(volume, mask):
                return "its mask lies on another grid; resample the mask"
            sizes = _sizes(mask, entry)
            if sizes is None:
                return "its mask holds gray values, not labels"
    except ScanError as error:
        return f"it or its mask {error.found}"
    marked = None if sizes is None else sizes > 0
    if marked is None:
        label = NO_TUMOR if entry.label in HEALTHY else UNANNOTATED
        labels = [label] * len(volume)
    else:
        labels = [(entry.label or TUMOR) if one else NO_TUMOR for one in marked]
        heads |= marked
    kept = kept_range(heads)
    small = np.zeros(len(volume), bool) if sizes is None else (sizes > 0) & (sizes < entry.smallest)
    used = [i for i in _used(kept, volume, entry) if not small[i]]
    facts = Counter({"slices without a head at the ends of volumes left out": len(volume) - len(kept)})
    if marked is not None and not marked.any():
        facts["volumes with an empty mask: all of their slices count as no_tumor"] = 1
    if marked is None and entry.label and entry.label not in HEALTHY:
        facts["volumes of a tumor without a mask: nothing says which slices show it, so they are unannotated"] = 1
    if not volume.spacing_known:
        facts["volumes whose header states no spacing that can be true: no millimeters"] = 1
    facts["slices with a mask too small to count left out"] = int(small.sum())
    samples = [_sample(entry, volume, i, labels[i]) for i in used]
    return _Slices(samples, +facts)


def _sample(entry: VolumeEntry, volume: Volume, index: int, label: str) -> Sample:
    image = SliceLocation(entry.image, volume.plane, index)
    place = (volume.plane, index, entry.mask_labels, entry.filled)
    mask = SliceLocation(entry.mask, *place).path if entry.mask else None
    position = float(volume.origins[index] @ volume.normal) if volume.spacing_known else None
    return Sample(
        id=f"{entry.id}#{image.fragment}",
        image=image.path,
        label=label,
        mask=mask,
        group=entry.group or f"{VOLUME_PREFIX}{entry.id}",
        origin=SliceOrigin(
            volume=entry.id,
            plane=volume.plane,
            slice_index=index,
            position=None if position is None else round(position, 4),
            study=entry.study,
        ),
        acquisition=AcquisitionFacts(volume.plane, entry.sequence, entry.contrast, entry.skull_stripped),
    )


def _used(kept: range, volume: Volume, entry: VolumeEntry) -> list[int]:
    """The slices that are used of those with a head: all, or one in each step of some millimeters."""
    spacing = volume.spacing[0] if volume.spacing else entry.step
    every = max(1, round(entry.step / spacing)) if entry.step else 1
    return list(kept)[every // 2 :: every]


def _sizes(mask: Volume, entry: VolumeEntry) -> Ints | None:
    """(D,) number of pixels of tumor in each slice of the mask; None where it is no mask."""
    sizes, values = np.zeros(len(mask), np.int64), set()
    for i in range(len(mask)):
        pixels = mask.read(i)
        found: npt.NDArray[np.generic] = np.unique(pixels)
        values |= set(found.tolist())
        if len(values) > _MOST_LABELS or any(value != int(value) or value < 0 for value in values):
            return None
        tumor: Mask = (np.isin(pixels, entry.mask_labels) if entry.mask_labels else pixels != 0).astype(np.uint8)
        sizes[i] = int((filled(tumor) if entry.filled and tumor.any() else tumor).sum())
    return sizes
