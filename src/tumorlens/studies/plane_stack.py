"""Volume -> upright slices of one plane, with square pixels, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.scan.types import Pixels, Scan
from tumorlens.scan.volume import PLANES, Reorientation, Volume, direction_letter, reorientation, slice_reorientation

ISOTROPIC = 1.5
"""Largest spacing of a volume, divided by its smallest, below which it is predicted in three planes."""

_EXTENT = 100  # millimeters along each axis for slices in three planes: a slab shows no head in the other planes
_SQUARE = 1.05  # ratio of the spacing of rows and columns up to which pixels count as square


@dataclass(frozen=True, eq=False)
class PlaneStack:
    """Upright slices of a volume in one plane.

    Attributes:
        volume: that they are slices of.
        plane: one of `PLANES`.
        turn: from the axes of the volume to slices, rows and columns of this plane.
        read: number of a slice in this plane -> its gray values, upright.
    """

    volume: Volume
    plane: str
    turn: Reorientation
    read: Callable[[int], Pixels]

    def __len__(self) -> int:
        return self.volume.size[self.turn.axes[0]]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a slice."""
        _, rows, columns = self.turn.axes
        return self.volume.size[rows], self.volume.size[columns]

    @cached_property
    def spacing(self) -> tuple[float, float] | None:
        """Millimeters between rows and columns; None where unknown."""
        return None if self.volume.spacing is None else self.turn.spacing(self.volume.spacing)[1:]

    @cached_property
    def orientation(self) -> str:
        """The patient directions in which rows and columns increase, as in `Scan`."""
        return "".join(direction_letter(step) for step in self.turn.steps(self.volume.steps).T[1:])

    def scan(self, pixels: Pixels) -> Scan:
        """A slice as the network gets it: with square pixels."""
        spacing = self.spacing
        rows, columns = self._square_size
        if (rows, columns) != pixels.shape:
            kind = pixels.dtype
            image = Image.fromarray(pixels.astype(np.float32)).resize((columns, rows), Image.Resampling.BILINEAR)
            pixels = (np.rint(np.asarray(image)) if kind.kind in "iu" else np.asarray(image)).astype(
                kind
            )  # 8 bits stay 8 bits
            spacing = None if spacing is None else (min(spacing), min(spacing))
        volume = self.volume
        return Scan(np.ascontiguousarray(pixels), volume.path, volume.format, "gray", spacing, self.orientation)

    def on_grid(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A map of a slice as the network got it -> rows and columns of the volume."""
        if image.shape == self.size:
            return image
        rows, columns = self.size
        return np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))

    @cached_property
    def _square_size(self) -> tuple[int, int]:
        """Rows and columns after resampling to the smaller spacing."""
        if not self.spacing or max(self.spacing) <= _SQUARE * min(self.spacing):
            return self.size
        rows, columns = (round(n * mm / min(self.spacing)) for n, mm in zip(self.size, self.spacing, strict=True))
        return rows, columns


def acquired_stack(volume: Volume) -> PlaneStack:
    """The slices of a volume as they were acquired, in their order; each is decoded when it is read."""
    turn = slice_reorientation(volume.steps)
    return PlaneStack(volume, volume.plane, turn, lambda index: turn.apply(volume.read(index)[None])[0])


def stacks_in_all_planes(volume: Volume) -> Iterator[PlaneStack]:
    """The acquired slices, then those of the two other planes; all voxels are decoded once."""
    voxels = np.asarray(volume)
    acquired = volume.plane
    for plane in (acquired, *(name for name in PLANES if name != acquired)):
        turn = slice_reorientation(volume.steps) if plane == acquired else reorientation(volume.steps, plane)
        yield PlaneStack(volume, plane, turn, turn.apply(voxels).__getitem__)


def nearly_isotropic(volume: Volume) -> bool:
    """Whether slices of all three planes show a head well enough to be predicted."""
    spacing = volume.spacing
    if spacing is None or volume.irregular or min(np.multiply(spacing, volume.size)) < _EXTENT:
        return False
    return max(spacing) < ISOTROPIC * min(spacing)
