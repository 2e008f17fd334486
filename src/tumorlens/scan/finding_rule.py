"""Tumor probabilities of slices -> findings: the 3D connected components that one rule keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tumorlens._arrays import Flags


class FindingRule(BaseModel):
    """What makes a finding of the tumor probabilities of parallel slices.

    The probability of each voxel is averaged with those of the two neighboring slices. Voxels above the threshold are
    joined where they share a face, an edge or a corner (26-connectivity). Components that are small beside the largest,
    or in too few slices, are dropped: of the false positives of a 2D network few continue in the next slice.

    Attributes:
        weights: of the slice before, the slice and the slice after; at the ends of the stack those that exist.
        threshold: a voxel belongs to a finding from this averaged probability on.
        least_share: of the voxels of the largest component; smaller components are dropped.
        least_slices: that a component must extend over.
        planes_needed: where several planes were predicted, how many must segment a voxel.

    Example:
        >>> import numpy as np
        >>> from tumorlens.scan.finding_rule import FindingRule
        >>> probability = np.zeros((5, 32, 32), np.float32)
        >>> probability[1:4, 5:15, 5:15] = 0.9
        >>> probability[2, 25, 25] = 1.0  # in one slice alone
        >>> rule = FindingRule()
        >>> labels, count = rule.components(rule.inside(probability))
        >>> count, np.unique(np.nonzero(labels)[0]).tolist()
        (1, [1, 2, 3])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[float, float, float] = (1.0, 2.0, 1.0)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    least_share: float = Field(default=0.25, ge=0, le=1)
    least_slices: int = Field(default=2, ge=1)
    planes_needed: int = Field(default=2, ge=1, le=3)

    def __str__(self) -> str:
        weights = ":".join(f"{weight:g}" for weight in self.weights)
        return (
            f"tumor probability averaged over three slices ({weights}), at least {self.threshold:g}; 3D components "
            f"over at least {self.least_slices} slices and {self.least_share:g} of the largest"
        )

    def averaged(
        self, probability: Sequence[npt.NDArray[np.floating]] | npt.NDArray[np.floating], index: int
    ) -> npt.NDArray[np.float32]:
        """(H, W) the probability of one slice, averaged with its neighbors."""
        pairs = zip(self.weights, (index - 1, index, index + 1), strict=True)
        near = [(weight, i) for weight, i in pairs if 0 <= i < len(probability)]
        total = sum(weight for weight, _ in near)
        parts = (np.float32(weight / total) * probability[i].astype(np.float32, copy=False) for weight, i in near)
        return np.asarray(sum(parts), dtype=np.float32)

    def inside(self, probability: npt.NDArray[np.floating]) -> Flags:
        """The voxels at or above the threshold.

        Args:
            probability: (D, H, W) from 0 to 1, neighboring slices of one plane.
        """
        inside = np.zeros(probability.shape, dtype=bool)
        for i in range(len(probability)):
            inside[i] = self.averaged(probability, i) >= self.threshold
        return inside

    def components(self, inside: Flags) -> tuple[npt.NDArray[np.uint8], int]:
        """The components that the rule keeps, the largest first.

        Args:
            inside: (D, H, W).

        Returns:
            (D, H, W) uint8: 0 in the background, 1 in the largest finding, 2 in the next; and the number of findings,
            255 at most.
        """
        labels = np.zeros(inside.shape, dtype=np.uint8)
        if not inside.any():
            return labels, 0
        from scipy import ndimage  # here, so that the command line starts without it

        axes = [np.flatnonzero(inside.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        box = tuple(slice(int(hit[0]), int(hit[-1]) + 1) for hit in axes)  # labels of 32 bits for this box alone
        parts, count = ndimage.label(np.ascontiguousarray(inside[box]), np.ones((3, 3, 3), dtype=bool))
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        extents = ndimage.find_objects(parts)
        kept = [
            number
            for number in range(1, count + 1)
            if sizes[number] >= self.least_share * sizes[1:].max()
            and extents[number - 1][0].stop - extents[number - 1][0].start >= self.least_slices
        ]
        kept = sorted(kept, key=lambda number: (-int(sizes[number]), number))[:255]
        rank = np.zeros(count + 1, dtype=np.uint8)
        rank[kept] = np.arange(1, len(kept) + 1)
        labels[box] = rank[parts]
        return labels, len(kept)
