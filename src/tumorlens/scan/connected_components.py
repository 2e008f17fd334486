"""mask -> its connected components and its outline, with numpy alone."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Flags, Ints
from tumorlens.scan.types import Mask


def label_components(mask: Mask) -> tuple[Ints, int]:
    """Label the connected components of a mask with 8-connectivity.

    Runs of pixels within a row are merged with the runs that they touch in the next row, by propagating the lowest
    label (Shiloach and Vishkin 1982, Journal of Algorithms 3:57).

    Args:
        mask: (H, W), 1 inside.

    Returns:
        Labels (H, W): 0 in the background, 1 in the largest component, 2 in the next; of equally large components the
        one that begins further up comes first. And the number of components.
    """
    height, width = mask.shape
    wide = width + 2  # so that runs of different rows never touch
    flat = np.zeros((height, wide), dtype=np.int8)
    flat[:, 1:-1] = mask != 0
    change = np.diff(flat.ravel())
    begin, end = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1  # of every run; `end` is exclusive
    roots, component = np.unique(_merged(*_touching(begin, end, wide), count=len(begin)), return_inverse=True)
    sizes = np.bincount(component, weights=end - begin)
    rank = np.empty(len(roots), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(roots) + 1)
    labels = np.zeros(height * wide, dtype=np.int64)
    labels[begin] = rank[component]
    labels[end] = -rank[component]  # never the begin of another run: a pixel lies between them
    return np.cumsum(labels).reshape(height, wide)[:, 1:-1], len(roots)


def outline(inside: Flags) -> Flags:
    """The inside pixels with one of their four neighbors outside; pixels beyond the border of the image are outside."""
    padded = np.pad(inside, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~core


def _touching(begin: Ints, end: Ints, wide: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighboring rows that share a column or meet at a corner."""
    first = np.searchsorted(end, begin + wide, side="left")
    last = np.searchsorted(begin, end + wide, side="right")
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(begin)), count)
    below = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return above, below


def _merged(above: Ints, below: Ints, count: int) -> Ints:
    """For each run the lowest index among the runs it is connected with."""
    label = np.arange(count)
    while (label[above] != label[below]).any():
        low = np.minimum(label[above], label[below])
        np.minimum.at(label, label[above], low)
        np.minimum.at(label, label[below], low)
        label = label[label]
    while (label[label] != label).any():
        label = label[label]
    return label
