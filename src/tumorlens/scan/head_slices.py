"""Slices of a volume -> which of them show a part of a head."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Flags, Floats32
from tumorlens.scan.types import Pixels
from tumorlens.scan.volume import Volume

_SIDE = 128  # pixels of the thumbnails
_LEVEL = 0.15  # of the bright voxels of a volume; background and its noise are darker
_SHARE = 0.01  # of the pixels of a slice that shows a head


class HeadFinder:
    """Finds the slices that show a part of a head: some of their pixels are bright for the volume.

    The network sees each slice by its own window, in which the noise of a slice beside the head looks like tissue. So
    the gray values of all slices decide; thumbnails of them are kept, so that each slice is read once.
    """

    def __init__(self) -> None:
        self._thumbnails: list[Floats32] = []

    def add(self, pixels: Pixels) -> None:
        """The next slice, (H, W)."""
        step = max(1, min(pixels.shape) // _SIDE)
        self._thumbnails.append(pixels[::step, ::step].astype(np.float32))

    def heads(self) -> Flags:
        """(D,) of the slices that were added, whether each shows a part of a head."""
        thumbnails = np.stack(self._thumbnails)
        low, high = np.percentile(thumbnails, [1, 99])
        shows: Flags = (thumbnails > low + _LEVEL * (high - low)).mean(axis=(1, 2)) > _SHARE
        return shows


def head_slices(volume: Volume) -> Flags:
    """(D,) whether a slice shows a part of a head; each slice is decoded.

    Raises:
        ScanError, MissingExtraError: a slice cannot be read.
    """
    finder = HeadFinder()
    for index in range(len(volume)):
        finder.add(volume.read(index))
    return finder.heads()
