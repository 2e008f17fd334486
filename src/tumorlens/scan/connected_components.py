"""mask -> its connected parts and its outline, without anything but numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Ints
from tumorlens.scan.types import Mask


def label_components(mask: Mask) -> tuple[Ints, int]:
    """The connected parts of a mask; pixels that meet at a corner belong together.

    Runs of pixels within a row are joined with those that they touch in the next row, by passing on the lowest number
    (Shiloach and Vishkin 1982, Journal of Algorithms 3:57).

    Args:
        mask: (H, W), 1 inside.

    Returns:
        (H, W), 0 outside and 1 in the largest part, 2 in the next; of equally large ones that which begins further up
        comes first. And how many there are.
    """
    height, width = mask.shape
    wide = width + 2  # so that runs of different rows never touch
    flat = np.zeros((height, wide), dtype=np.int8)
    flat[:, 1:-1] = mask != 0
    change = np.diff(flat.ravel())
    begin, end = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1  # of every run; `end` is outside
    names, which = np.unique(_joined(*_touching(begin, end, wide), count=len(begin)), return_inverse=True)
    sizes = np.bincount(which, weights=end - begin)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(names) + 1)
    number = np.zeros(height * wide, dtype=np.int64)
    number[begin] = rank[which]
    number[end] = -rank[which]  # never the begin of another: a pixel lies between them
    return np.cumsum(number).reshape(height, wide)[:, 1:-1], len(names)


def outline(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels inside that have one of their four neighbors outside; what lies beyond the image is outside."""
    padded = np.pad(inside, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~core


def _touching(begin: Ints, end: Ints, wide: int) -> tuple[Ints, Ints]:
    """Pairs of runs, one in each of two neighboring rows, that share a column or meet at a corner."""
    first = np.searchsorted(end, begin + wide, side="left")
    last = np.searchsorted(begin, end + wide, side="right")
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(begin)), count)
    below = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return above, below


def _joined(above: Ints, below: Ints, count: int) -> Ints:
    """For each run the lowest number among those it is connected with."""
    label = np.arange(count)
    while (label[above] != label[below]).any():
        low = np.minimum(label[above], label[below])
        np.minimum.at(label, label[above], low)
        np.minimum.at(label, label[below], low)
        label = label[label]
    while (label[label] != label).any():
        label = label[label]
    return label
