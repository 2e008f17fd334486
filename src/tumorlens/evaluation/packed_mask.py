"""A predicted mask in few bytes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from tumorlens.scan import Mask


@dataclass(frozen=True)
class PackedMask:
    """A predicted mask in few bytes, so that those of thousands of images fit into memory.

    Attributes:
        shape: height and width.
        data: its bits, compressed.
    """

    shape: tuple[int, int]
    data: bytes

    @classmethod
    def of(cls, mask: Mask) -> PackedMask:
        """(H, W), 1 = tumor."""
        height, width = mask.shape
        return cls((height, width), zlib.compress(np.packbits(mask != 0).tobytes(), 1))

    def unpack(self) -> Mask:
        """(H, W) uint8, 1 = tumor."""
        bits = np.unpackbits(np.frombuffer(zlib.decompress(self.data), dtype=np.uint8))
        return bits[: self.shape[0] * self.shape[1]].reshape(self.shape)
