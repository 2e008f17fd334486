"""codes -> candidate pairs: every image against every other, in four views and all eight flips and turns.

Up to `EXACT` images all pairs are compared by matrix products, which misses nothing; more are left to
`match_many`, which finds nearly all copies in time that grows with the number of images, not with its square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32, Ints
from tumorlens.auditing.duplicates.image_records import Progress
from tumorlens.auditing.duplicates.multi_index_hashing import rows_many
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, turned, unit
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

EXACT = 20_000
"""Images up to which every pair is compared: a minute or so on two cores."""

_ROWS, _COLUMNS = 512, 4096  # of a block of similarities: 8 MB, so that it stays in the cache


@dataclass(frozen=True, eq=False)
class CandidatePairs:
    """Pairs whose codes are alike, each pair once, with the view and the turn in which they are most alike.

    Attributes:
        first: (M,) positions in the one set of codes.
        second: (M,) positions in the other.
        view: (M,) which of the four drawings.
        turn: (M,) which of `DIHEDRAL_NAMES` makes the second look like the first.
        similarity: (M,) -1 to 1.
    """

    first: Ints
    second: Ints
    view: Ints
    turn: Ints
    similarity: Floats32

    def __len__(self) -> int:
        return len(self.first)

    def where(self, chosen: npt.NDArray[np.bool_] | Ints) -> CandidatePairs:
        """Some of them."""
        return CandidatePairs(
            self.first[chosen], self.second[chosen], self.view[chosen], self.turn[chosen], self.similarity[chosen]
        )


def candidate_pairs(
    codes: Hashes,
    others: Hashes | None = None,
    *,
    at_least: float,
    progress: Progress | None = None,
) -> CandidatePairs:
    """All pairs of images whose codes agree in any view and turn; nearly all, where there are very many.

    Args:
        codes: (N, V, C) int8.
        others: (M, V, C) int8; None to compare the codes with each other.
        at_least: similarity, -1 to 1.
        progress: called with (done, total).
    """
    comparisons = len(codes) ** 2 / 2 if others is None else len(codes) * len(others)
    if comparisons > EXACT**2 / 2:
        return _best(rows_many(codes, others, at_least=at_least, progress=progress))
    found = [np.zeros((0, 5), dtype=np.float64)]
    total = codes.shape[1] * len(DIHEDRAL_NAMES)
    for step, (view, turn) in enumerate(np.ndindex(codes.shape[1], len(DIHEDRAL_NAMES))):
        fixed = unit(codes[:, view])
        moving = unit(turned((codes if others is None else others)[:, view], turn))
        for first, second, similarity in _above(fixed, moving, at_least, same=others is None):
            part = np.empty((len(first), 5))
            part[:, 0], part[:, 1], part[:, 2], part[:, 3], part[:, 4] = first, second, view, turn, similarity
            found.append(part)
        if progress:
            progress(step + 1, total)
    return _best(np.concatenate(found))


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


def _best(rows: npt.NDArray[np.float64]) -> CandidatePairs:
    """Of the rows of one pair the most similar one."""
    rows = rows[np.lexsort((-rows[:, 4], rows[:, 1], rows[:, 0]))]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
    rows = rows[new]
    first, second, view, turn = rows[:, :4].T.astype(np.int64)
    return CandidatePairs(first, second, view, turn, rows[:, 4].astype(np.float32))
