"""pairs of duplicates -> clusters, none of which holds two slices of one volume."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tumorlens._arrays import Flags, Ints

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet


class ImageClusters:
    """Disjoint sets of images. Neighboring slices of a volume look alike, and are never joined.

    Example:
        >>> clusters = ImageClusters([{"a"}, {"a"}, {"b"}, ()])
        >>> clusters.merge(0, 2), clusters.merge(1, 2), clusters.merge(2, 3), clusters.smallest_members()
        (True, False, True, [0, 1, 0, 0])
    """

    def __init__(self, volumes: Sequence[Collection[str]]) -> None:
        """Each image is alone.

        Args:
            volumes: those of each image: one for a slice, several for one that stands for a cluster, or none.
        """
        from scipy.cluster.hierarchy import DisjointSet

        self._sets: DisjointSet = DisjointSet(range(len(volumes)))
        self._volumes = {i: set(names) for i, names in enumerate(volumes) if names}

    def merge(self, first: int, second: int) -> bool:
        """Join the clusters of two images; False where they are one already, or hold slices of one volume."""
        roots = self._sets[first], self._sets[second]
        one, other = (self._volumes.get(root, set()) for root in roots)
        if roots[0] == roots[1] or one & other:
            return False
        self._sets.merge(first, second)
        if one or other:
            self._volumes[self._sets[first]] = one | other
        return True

    def volumes(self, position: int) -> Collection[str]:
        """The volumes of all images in the cluster of one."""
        return self._volumes.get(self._sets[position], ())

    def smallest_members(self) -> list[int]:
        """For every image the smallest position in its cluster: scipy promises no particular member as its name."""
        smallest: dict[int, int] = {}
        return [smallest.setdefault(self._sets[position], position) for position in range(len(self._sets))]


def different_volumes(volumes: Sequence[str | None], first: Ints, second: Ints) -> Flags:
    """(M,) whether two images of a pair are not slices of one volume.

    Args:
        volumes: the volume of each image; None for one that is no slice.
        first: (M,) positions.
        second: (M,) positions.
    """
    names: dict[str, int] = {}
    numbers = np.array([-1 - i if v is None else names.setdefault(v, len(names)) for i, v in enumerate(volumes)])
    different: Flags = numbers[first] != numbers[second]
    return different
