"""looks -> Twins: equal files, equal pixels and near copies, joined into clusters."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

from tumorlens._arrays import Floats32, Ints
from tumorlens.auditing.duplicates.alignment import scores
from tumorlens.auditing.duplicates.image_records import ImageRecord, Progress, stepwise
from tumorlens.auditing.duplicates.candidate_pairs import CandidatePairs, candidate_pairs
from tumorlens.auditing.duplicates.perceptual_hash import VIEWS, Thumbnails, codes, turned
from tumorlens.auditing.issues import DuplicateGroup, DuplicateKind, DuplicatePair

LIKELY = 0.85
"""Similarity of codes from which a pair is looked at in detail."""

SAME = 0.98
"""Score from which a pair is one image. Slices of one head 0.67 mm apart reach 0.977, those of Figshare 0.958."""

_DOUBTFUL = 0.02  # below `SAME`: worth a look at the other views, and at other pairs of the same two clusters
_TOGETHER = 512  # candidates confirmed at once; between them, those already connected are dropped


def find_duplicates(image_records: Sequence[ImageRecord], *, progress: Progress | None = None) -> DuplicateGroup:
    """All copies among the images.

    Files that cannot be read are twins only of files with the same bytes, blank images only of
    images with the same pixels.

    Args:
        image_records: one for each sample, in the table's order.
        progress: called with (done, total).
    """
    sets = Clusters(len(image_records))
    pairs: list[DuplicatePair] = []

    def join(first: int, second: int, kind: DuplicateKind, turn: int = 0, similarity: float = 1.0) -> None:
        if sets.join(first, second):
            pairs.append(DuplicatePair(min(first, second), max(first, second), kind, turn, similarity))

    for first, second in _equal(look.content for look in image_records):
        join(first, second, "bytes")
    for first, second in _equal(look.pixels for look in image_records):
        join(first, second, "pixels")
    one_each = [
        i for i in dict.fromkeys(map(sets.root, range(len(image_records)))) if image_records[i].thumbnails is not None
    ]
    if len(one_each) > 1:
        drawings = np.stack([image_records[i].thumbnails for i in one_each])  # type: ignore[misc]  # None was left out
        for a, b, turn, score in find_near_duplicates(drawings, progress=progress):
            join(one_each[a], one_each[b], "near", turn, score)
    return DuplicateGroup(tuple(map(sets.root, range(len(image_records)))), tuple(pairs))


def find_near_duplicates(drawings: Thumbnails, *, progress: Progress | None = None) -> Iterator[tuple[int, int, int, float]]:
    """Pairs of near copies, enough of them to connect all that belong together.

    Args:
        drawings: (N, 4, 64, 64) uint8, as `thumbnails` makes them.
        progress: called with (done, total).

    Yields:
        (first, second, turn, score), the likeliest first.
    """
    coded, sets = codes(drawings), Clusters(len(drawings))
    for view in range(VIEWS):
        # What one view has joined is one image for the next, which so has far fewer pairs to compare.
        rows = np.unique([sets.root(i) for i in range(len(drawings))])
        part = stepwise(progress, view, VIEWS)
        found = candidate_pairs(coded[rows, view : view + 1], at_least=LIKELY, progress=part)
        yield from _joined(drawings[rows], rows, view, found, sets)


def _joined(
    drawings: Thumbnails, rows: Ints, view: int, found: CandidatePairs, sets: Clusters
) -> Iterator[tuple[int, int, int, float]]:
    """Confirm candidates of one view, the likeliest first, and join what is one image.

    Two clusters of which one pair is clearly not one image are not compared again: the other pairs show the same.
    """
    refused: set[tuple[int, int]] = set()
    found = found.where(np.argsort(-found.similarity, kind="stable"))
    for start in range(0, len(found), _TOGETHER):
        part = found.where(np.arange(start, min(start + _TOGETHER, len(found))))
        first, second = rows[part.first].tolist(), rows[part.second].tolist()
        ends = [_ordered(sets.root(a), sets.root(b)) for a, b in zip(first, second, strict=True)]
        open_ = np.flatnonzero([a != b and (a, b) not in refused for a, b in ends])
        for row, score in zip(open_.tolist(), _confirmed(drawings, part.where(open_), view).tolist(), strict=True):
            if score < SAME - _DOUBTFUL:
                refused.add(ends[row])
            elif score >= SAME and sets.join(first[row], second[row]):
                yield first[row], second[row], int(part.turn[row]), score


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _confirmed(drawings: Thumbnails, pairs: CandidatePairs, view: int) -> Floats32:
    """Scores of pairs in the view in which their codes agree, and in the others where that leaves doubt."""
    score = _scores(drawings, pairs, view)
    for step in range(1, VIEWS):
        doubt = np.flatnonzero((score < SAME) & (score >= SAME - _DOUBTFUL))
        if len(doubt):
            score[doubt] = np.maximum(score[doubt], _scores(drawings, pairs.where(doubt), (view + step) % VIEWS))
    return score


def _scores(drawings: Thumbnails, pairs: CandidatePairs, view: int) -> Floats32:
    second = np.empty((len(pairs), *drawings.shape[2:]), dtype=np.uint8)
    for turn in np.unique(pairs.turn):
        rows = pairs.turn == turn
        second[rows] = turned(drawings[pairs.second[rows], view], int(turn))
    return scores(drawings[pairs.first, view], second, enough=SAME)


def _equal(names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(first position of a name, each further one); "" is no name."""
    seen: dict[Hashable, int] = {}
    for position, name in enumerate(names):
        if not name:
            continue
        if name in seen:
            yield seen[name], position
        else:
            seen[name] = position


class Clusters:
    """Positions joined step by step into clusters; a cluster is called by its smallest position."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, position: int) -> int:
        """The smallest position of the cluster."""
        while self._parent[position] != position:
            self._parent[position] = self._parent[self._parent[position]]
            position = self._parent[position]
        return position

    def connected(self, first: int, second: int) -> bool:
        """Whether both are in one cluster."""
        return self.root(first) == self.root(second)

    def join(self, first: int, second: int) -> bool:
        """Make one cluster of two; False where it was one already."""
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low
        return low != high
