"""hashes -> candidate pairs: every image against every other, in four views and all eight flips and rotations.

Up to `EXACT_COMPARISON_LIMIT` images, matrix products compare all pairs and miss nothing. For more images,
`multi_index_hashing` finds nearly all duplicates in time that grows with the number of images, not with its square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Flags, Floats, Floats32, Ints
from tumorlens._progress import Progress, silent
from tumorlens.auditing.duplicates.multi_index_hashing import multi_index_pairs
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, transformed, unit_vectors
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

EXACT_COMPARISON_LIMIT = 20_000
"""Images up to which every pair is compared: a minute or so on two cores."""

_ROWS, _COLUMNS = 512, 4096  # of a block of similarities: 8 MB, so that it stays in the cache


@dataclass(frozen=True, eq=False)
class CandidatePairs:
    """Pairs with similar hashes, each pair once, with its most similar view and transform.

    Attributes:
        first: (M,) positions in the first set of hashes.
        second: (M,) positions in the second set.
        view: (M,) which of the four thumbnails.
        transform: (M,) index in `DIHEDRAL_NAMES` of the flip or rotation that maps the second onto the first.
        similarity: (M,) -1 to 1.
    """

    first: Ints
    second: Ints
    view: Ints
    transform: Ints
    similarity: Floats32

    def __len__(self) -> int:
        return len(self.first)

    def where(self, chosen: Flags | Ints) -> CandidatePairs:
        """The chosen pairs."""
        return CandidatePairs(
            self.first[chosen], self.second[chosen], self.view[chosen], self.transform[chosen], self.similarity[chosen]
        )


def candidate_pairs(
    hashes: Hashes,
    others: Hashes | None = None,
    *,
    at_least: float,
    progress: Progress = silent,
) -> CandidatePairs:
    """All pairs of images whose hashes are similar in any view and transform; nearly all pairs of very many images.

    Args:
        hashes: (N, V, C) int8.
        others: (M, V, C) int8; None to compare the hashes with each other.
        at_least: similarity, -1 to 1.
        progress: called after each view and transform.
    """
    comparisons = len(hashes) ** 2 / 2 if others is None else len(hashes) * len(others)
    if comparisons > EXACT_COMPARISON_LIMIT**2 / 2:
        return _best(multi_index_pairs(hashes, others, at_least=at_least, progress=progress))
    blocks = [np.zeros((0, 5), dtype=np.float64)]
    total = hashes.shape[1] * len(DIHEDRAL_NAMES)
    for step, (view, transform) in enumerate(np.ndindex(hashes.shape[1], len(DIHEDRAL_NAMES))):
        fixed = unit_vectors(hashes[:, view])
        moving = unit_vectors(transformed((hashes if others is None else others)[:, view], transform))
        for first, second, similarity in _above(fixed, moving, at_least, same=others is None):
            rows = np.empty((len(first), 5))
            rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4] = first, second, view, transform, similarity
            blocks.append(rows)
        progress("comparing images", step + 1, total)
    return _best(np.concatenate(blocks))


def _above(fixed: Floats32, moving: Floats32, least: float, *, same: bool) -> Iterator[tuple[Ints, Ints, Floats32]]:
    """Pairs of rows with at least that dot product; of a set with itself, each pair once and none with itself."""
    for top in range(0, len(fixed), _ROWS):
        rows = fixed[top : top + _ROWS]
        for left in range(top if same else 0, len(moving), _COLUMNS):
            block = rows @ moving[left : left + _COLUMNS].T
            if block.max() < least:
                continue
            i, j = np.nonzero(block >= least)
            similarity = block[i, j]
            i, j = i + top, j + left
            keep = j > i if same else slice(None)
            yield i[keep], j[keep], similarity[keep]


def _best(rows: Floats) -> CandidatePairs:
    """The most similar row of each pair."""
    rows = rows[np.lexsort((-rows[:, 4], rows[:, 1], rows[:, 0]))]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
    rows = rows[new]
    first, second, view, transform = rows[:, :4].T.astype(np.int64)
    return CandidatePairs(first, second, view, transform, rows[:, 4].astype(np.float32))
