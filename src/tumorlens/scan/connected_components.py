"""mask -> its connected components and its outline."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Flags, Ints
from tumorlens.scan.types import Mask

_TOUCHING = np.ones((3, 3), dtype=bool)  # pixels that meet at a corner belong together


def label_components(mask: Mask) -> tuple[Ints, int]:
    """Label the connected components of a mask with 8-connectivity.

    Args:
        mask: (H, W), 1 inside.

    Returns:
        Labels (H, W): 0 in the background, 1 in the largest component, 2 in the next; of equally large components the
        one that begins further up comes first. And the number of components.
    """
    from scipy import ndimage  # here, so that the command line starts without it

    inside = np.ascontiguousarray(mask)  # scipy numbers components row by row only if rows are contiguous in memory
    labels, count = ndimage.label(inside, _TOUCHING)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rank = np.zeros(count + 1, dtype=np.int64)
    rank[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
    return rank[labels], count


def outline(inside: Flags) -> Flags:
    """The inside pixels with one of their four neighbors outside; pixels beyond the border of the image are outside."""
    from scipy import ndimage

    inner: Flags = inside & ~ndimage.binary_erosion(inside)
    return inner
