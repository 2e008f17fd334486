"""image records -> duplicates: equal files, equal pixels and near-duplicates, joined into clusters."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

import numpy as np

from tumorlens._arrays import Floats32, Ints
from tumorlens._progress import Progress, part_of, silent, stage_of
from tumorlens.auditing.duplicates.alignment import alignment_scores
from tumorlens.auditing.duplicates.candidate_pairs import CandidatePairs, candidate_pairs
from tumorlens.auditing.duplicates.image_clusters import ImageClusters, different_volumes
from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.duplicates.perceptual_hash import VIEWS, Thumbnails, perceptual_hashes, transformed
from tumorlens.auditing.issues import DuplicateClusters, DuplicateKind, DuplicatePair

CANDIDATE_SIMILARITY = 0.85
"""Similarity of hashes from which a pair is compared in detail."""

DUPLICATE_SCORE = 0.98
"""Alignment score from which a pair is a duplicate.

Neighboring slices of one head, 0.67 mm apart, reach 0.977; those of Figshare reach 0.958.
"""

_UNCERTAIN = (
    0.02  # below `DUPLICATE_SCORE`: the other views, and other pairs of the same two clusters, are compared too
)
_BATCH = 512  # candidates confirmed at once; between batches, pairs that are connected by now are skipped


def find_duplicates(
    records: Sequence[ImageRecord], *, volumes: Sequence[str | None] | None = None, progress: Progress = silent
) -> DuplicateClusters:
    """All duplicates among the images.

    Unreadable files are duplicates only of files with the same bytes, blank images only of images with the
    same pixels. Slices of one volume are never duplicates of each other.

    Args:
        records: one for each sample, in the table's order.
        volumes: the volume of each sample; None for images that are no slices, or for all of them.
        progress: called while images are compared.
    """
    of_volume = volumes or [None] * len(records)
    clusters = ImageClusters([() if name is None else (name,) for name in of_volume])
    pairs: list[DuplicatePair] = []

    def join(first: int, second: int, kind: DuplicateKind, transform: int = 0, similarity: float = 1.0) -> None:
        if clusters.merge(first, second):
            pairs.append(DuplicatePair(min(first, second), max(first, second), kind, transform, similarity))

    for first, second in _equal(record.file_hash for record in records):
        join(first, second, "bytes")
    for first, second in _equal(record.pixel_hash for record in records):
        join(first, second, "pixels")
    one_each = [i for i in dict.fromkeys(clusters.smallest_members()) if records[i].thumbnails is not None]
    if len(one_each) > 1:
        thumbnails = np.stack([records[i].thumbnails for i in one_each])  # type: ignore[misc]  # None was left out
        names = [clusters.volumes(i) for i in one_each]
        for a, b, transform, score in find_near_duplicates(thumbnails, volumes=names, progress=progress):
            join(one_each[a], one_each[b], "near", transform, score)
    return DuplicateClusters(tuple(clusters.smallest_members()), tuple(pairs))


def find_near_duplicates(
    thumbnails: Thumbnails, *, volumes: Sequence[Collection[str]] | None = None, progress: Progress = silent
) -> Iterator[tuple[int, int, int, float]]:
    """Pairs of near-duplicates, enough of them to connect every cluster.

    Args:
        thumbnails: (N, 4, 64, 64) uint8, from `make_thumbnails`.
        volumes: as for `ImageClusters`; None for images that are no slices.
        progress: called while images are compared.

    Yields:
        (first, second, transform, score), the most similar first.
    """
    of_images = volumes or [()] * len(thumbnails)
    only = [next(iter(names)) if len(names) == 1 else None for names in of_images]
    hashes, clusters = perceptual_hashes(thumbnails), ImageClusters(of_images)
    for view in range(VIEWS):
        # A cluster found in one view is one image in the next, which so has far fewer pairs to compare.
        rows = np.unique(clusters.smallest_members())
        step = stage_of(part_of(progress, view, VIEWS), "finding duplicates")
        pairs = candidate_pairs(hashes[rows, view : view + 1], at_least=CANDIDATE_SIMILARITY, progress=step)
        pairs = pairs.where(different_volumes(only, rows[pairs.first], rows[pairs.second]))
        yield from _joined(thumbnails[rows], rows, view, pairs, clusters)


def _joined(
    thumbnails: Thumbnails, rows: Ints, view: int, pairs: CandidatePairs, clusters: ImageClusters
) -> Iterator[tuple[int, int, int, float]]:
    """Confirm the candidates of one view, the most similar first, and join the duplicates.

    After one pair of two clusters is clearly no duplicate, their other pairs are not compared: they show the same.
    """
    rejected: set[tuple[int, int]] = set()
    pairs = pairs.where(np.argsort(-pairs.similarity, kind="stable"))
    for start in range(0, len(pairs), _BATCH):
        batch = pairs.where(np.arange(start, min(start + _BATCH, len(pairs))))
        first, second = rows[batch.first].tolist(), rows[batch.second].tolist()
        member = clusters.smallest_members()
        ends = [_ordered(member[a], member[b]) for a, b in zip(first, second, strict=True)]
        todo = np.flatnonzero([a != b and (a, b) not in rejected for a, b in ends])
        scores = _confirmation_scores(thumbnails, batch.where(todo), view)
        for row, score in zip(todo.tolist(), scores.tolist(), strict=True):
            if score < DUPLICATE_SCORE - _UNCERTAIN:
                rejected.add(ends[row])
            elif score >= DUPLICATE_SCORE and clusters.merge(first[row], second[row]):
                yield first[row], second[row], int(batch.transform[row]), score


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _confirmation_scores(thumbnails: Thumbnails, pairs: CandidatePairs, view: int) -> Floats32:
    """Scores of pairs in the view of their similar hashes; where the score is uncertain, the best of all views."""
    scores = _scores(thumbnails, pairs, view)
    for step in range(1, VIEWS):
        uncertain = np.flatnonzero((scores < DUPLICATE_SCORE) & (scores >= DUPLICATE_SCORE - _UNCERTAIN))
        if len(uncertain):
            others = _scores(thumbnails, pairs.where(uncertain), (view + step) % VIEWS)
            scores[uncertain] = np.maximum(scores[uncertain], others)
    return scores


def _scores(thumbnails: Thumbnails, pairs: CandidatePairs, view: int) -> Floats32:
    second = np.empty((len(pairs), *thumbnails.shape[2:]), dtype=np.uint8)
    for transform in np.unique(pairs.transform):
        rows = pairs.transform == transform
        second[rows] = transformed(thumbnails[pairs.second[rows], view], int(transform))
    return alignment_scores(thumbnails[pairs.first, view], second, enough=DUPLICATE_SCORE)


def _equal(names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(first position of a name, each further position); "" is no name."""
    seen: dict[Hashable, int] = {}
    for position, name in enumerate(names):
        if not name:
            continue
        if name in seen:
            yield seen[name], position
        else:
            seen[name] = position
