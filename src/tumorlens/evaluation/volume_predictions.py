"""Predictions of whole volumes: a mask on the voxels of each volume, and what makes a study positive."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tumorlens.scan import Mask

ANY_VOXEL = "a study is positive where at least one voxel is segmented"
"""What makes a study positive of which only a mask is known."""
STACKED = "predicted masks of the slices, one on the other"
"""How a mask in 3D is made where slices were predicted alone."""


@dataclass(frozen=True)
class VolumePrediction:
    """What a tool predicts for one volume.

    Attributes:
        shape: slices, rows and columns of the upright volume.
        data: the bits of its mask, compressed.
        positive: whether the study has a finding; None where it is undetermined.
        largest: voxels of the largest finding; None for that of the largest component of the mask.
        label: class of the largest finding; None where the tool names none.
    """

    shape: tuple[int, int, int]
    data: bytes
    positive: bool | None
    largest: int | None = None
    label: str | None = None

    @classmethod
    def of(
        cls, mask: Mask, *, positive: bool | None, largest: int | None = None, label: str | None = None
    ) -> VolumePrediction:
        """Pack a mask (D, H, W), 1 = tumor."""
        depth, height, width = mask.shape
        bits = zlib.compress(np.packbits(mask != 0).tobytes(), 1)
        return cls((depth, height, width), bits, positive, largest, label)

    def mask(self) -> Mask:
        """(D, H, W) uint8, 1 = tumor."""
        bits = np.unpackbits(np.frombuffer(zlib.decompress(self.data), dtype=np.uint8))
        return bits[: int(np.prod(self.shape))].reshape(self.shape)


@dataclass(frozen=True)
class VolumePredictions:
    """What a tool predicts for the volumes of a table.

    Attributes:
        by_volume: id of a volume -> its prediction.
        rule: how the masks are made, in words.
        positive_rule: what makes a study positive, one clause.
        notes: on the files, one sentence each.
    """

    by_volume: Mapping[str, VolumePrediction]
    rule: str
    positive_rule: str
    notes: tuple[str, ...] = ()
