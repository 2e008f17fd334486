"""Seed -> a stack of slices of one phantom patient with its affine: the volume that a scanner would store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.datasets.phantom.acquisition import PLANES, SEQUENCES, Acquisition, rotation
from tumorlens.datasets.phantom.render import PHANTOM_CLASSES, PhantomPerson
from tumorlens.errors import DataError
from tumorlens.scan.volume import Volume

WHITE = 4095
"""The highest gray value: 12 bits, as scanners store them."""


@dataclass(frozen=True, eq=False)
class PhantomVolume:
    """Equally spaced slices of one phantom.

    Attributes:
        voxels: (D, H, W) uint16, gray values from 0 to `WHITE`.
        mask: (D, H, W) uint8, 1 = tumor (of a glioma ring and core, not the edema).
        affine: (4, 4), from (slice, row, column, 1) to LPS millimeters of voxel centers.
        label: one of `PHANTOM_CLASSES`.
        patient: equal for all volumes of one seed.
        plane: one of `PLANES`.
        sequence: one of `SEQUENCES`.
        thickness: of a slice, millimeters.
    """

    voxels: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.uint8]
    affine: Floats
    label: str
    patient: str
    plane: str
    sequence: str
    thickness: float

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimeters between slices, rows and columns."""
        between_slices, rows, columns = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(between_slices), float(rows), float(columns)

    def to_volume(self) -> Volume:
        """The same slices as read from files."""
        slices, rows, columns = self.affine[:3, :3].T
        return Volume(
            size=self.voxels.shape,
            origins=self.affine[:3, 3] + np.arange(len(self.voxels))[:, None] * slices,
            row_step=rows,
            column_step=columns,
            irregular=None,
            read=self.voxels.__getitem__,
            path=Path(self.patient),
            format="phantom",
        )


def render_volume(
    label: str,
    seed: int,
    *,
    plane: str = "axial",
    slices: int = 28,
    gap: float = 5.0,
    size: int = 192,
    tilt: tuple[float, float, float] = (0.0, 0.0, 0.0),
    sequence: str = "T1 post",
) -> PhantomVolume:
    """Render a stack of slices. Head, tumor and scanner are those of `render_patient` with the same seed.

    The stack is centered on the head, and shifted so far that it holds the tumor.

    Args:
        label: one of `PHANTOM_CLASSES`.
        seed: any non-negative number; the same seed gives the same voxels.
        plane: one of `PLANES`.
        slices: two or more.
        gap: millimeters between the centers of neighboring slices.
        size: height and width in pixels.
        tilt: degrees by which the slices are turned about the left-right, front-back and head-foot axes.
        sequence: one of `SEQUENCES`; the anatomy and the position of the head do not depend on it.

    Raises:
        DataError: an unknown class, plane or sequence, or a number out of range.

    Example:
        >>> from tumorlens.datasets.phantom import render_volume
        >>> volume = render_volume("glioma", seed=0, slices=4, size=48)
        >>> volume.voxels.shape, volume.voxels.dtype, volume.spacing[0]
        ((4, 48, 48), dtype('uint16'), 5.0)
    """
    for name, value, known in (
        ("class", label, PHANTOM_CLASSES),
        ("plane", plane, PLANES),
        ("sequence", sequence, tuple(SEQUENCES)),
    ):
        if value not in known:
            raise DataError(found=f"phantom: unknown {name} '{value}'", expected=f"one of {', '.join(known)}")
    if seed < 0 or slices < 2 or size < 32 or not 0 < gap < 100:
        raise DataError(
            found=f"phantom: seed {seed}, {slices} slices, gap {gap:g} mm, size {size}",
            expected="a seed of 0 or more, two slices or more, a gap of up to 100 mm and a size of 32 pixels or more",
        )
    person = PhantomPerson.random(label, seed)
    scan = Acquisition.random(np.random.default_rng([seed, 1]), plane, size)
    scan = replace(scan, tilt=rotation(np.radians(tilt)), contrast=scan.contrast.like(SEQUENCES[sequence]))
    positions = _positions(person.lesion_extent(scan, trim=0.0), slices, gap)
    noise = np.random.default_rng([seed, 7, list(SEQUENCES).index(sequence), PLANES.index(plane)])
    pairs = [person.slice(scan, position, noise, WHITE) for position in positions]
    return PhantomVolume(
        voxels=np.stack([image for image, _ in pairs]).astype(np.uint16),
        mask=np.stack([mask for _, mask in pairs]),
        affine=scan.affine(positions),
        label=label,
        patient=person.name,
        plane=plane,
        sequence=sequence,
        thickness=scan.thickness,
    )


def _positions(lesion: tuple[float, float], slices: int, gap: float) -> Floats:
    """Slice positions about the center of the head, shifted so that the lesion is between the first and the last."""
    half = gap * (slices - 1) / 2
    low, high = lesion[1] - half + gap, lesion[0] + half - gap
    center = float(np.clip(0.0, low, high)) if low <= high else sum(lesion) / 2  # it does not fit
    return np.asarray(center + gap * (np.arange(slices) - (slices - 1) / 2))
