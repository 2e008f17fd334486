"""very many hashes -> candidate pairs: compares only images that are neighbors in one of many sorted lists.

A *key* reads the values of some cells of a hash, in random order, as the digits of one number. Each image is
flipped or rotated to its smallest key, so that a transformed duplicate has the same key. In a list of all images
sorted by one such key, duplicates are neighbors unless one of the deciding cells differs; with 32 lists in four views,
nearly every pair is found. This is multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012), invariant to flips and
rotations, with neighbors in a sorted list in place of buckets (Hernández and Stolfo, SIGMOD 1995), so that many slices
that are similar in a few cells cost no more than others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Floats32, Ints
from tumorlens._progress import Progress, silent
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, transformed, unit_vectors
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

Keys = Floats  # integers below 3**33, which float64 holds exactly, so that a matrix product computes them
PairRows = Floats  # (M, 5): first, second, view, transform and similarity of pairs

SORTED_LISTS = 32
"""Sorted lists for each view."""

_DIGITS = 33  # of a key; the most that are exact in float64
_DECIDING = 20  # first digits that must be equal
_WINDOW = 6  # places on either side in a sorted list that an image is compared with
_ROWS = 4096  # hashes converted to keys at once: 8 MB
_PAIRS = 8192  # compared at once: 8 MB for each side
_SEED = 0


def multi_index_pairs(
    hashes: Hashes,
    others: Hashes | None = None,
    *,
    at_least: float,
    progress: Progress = silent,
) -> PairRows:
    """Pairs of images whose hashes are similar in any view and transform: nearly all such pairs, and no others.

    Of very many mutually similar images, each is paired with some of the others, enough to connect them.

    Args:
        hashes: (N, V, C) int8.
        others: (M, V, C) int8; None to compare the hashes with each other.
        at_least: similarity, -1 to 1.
        progress: called after each sorted list.

    Returns:
        A row for each pair and transform found, with its most similar view.
    """
    lists, views = _lists(hashes.shape[2]), hashes.shape[1]
    second_hashes = hashes if others is None else others
    found: Ints = np.zeros(0, dtype=np.int64)
    for view in range(views):
        keys = _keys(hashes[:, view], lists)
        other_keys = keys if others is None else _keys(second_hashes[:, view], lists)
        for row in range(SORTED_LISTS):
            near = _neighbors(keys.key[row]) if others is None else _between(keys.key[row], other_keys.key[row])
            for first, second in near:
                transform = lists.relative[keys.transform[row, first], other_keys.transform[row, second]]
                similar = _similarity(hashes, second_hashes, first, second, transform, view) >= at_least
                pair = first[similar] * len(second_hashes) + second[similar]
                found = np.union1d(found, pair * len(DIHEDRAL_NAMES) + transform[similar])
            progress("comparing images", view * SORTED_LISTS + row + 1, views * SORTED_LISTS)
    pair, transform = np.divmod(found, len(DIHEDRAL_NAMES))
    first, second = np.divmod(pair, len(second_hashes))
    rows = np.empty((len(found), 5))
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4] = first, second, 0, transform, -1
    for view in range(views):
        similarity = _similarity(hashes, second_hashes, first, second, transform, view)
        better = similarity > rows[:, 4]
        rows[better, 2], rows[better, 4] = view, similarity[better]
    return rows


@dataclass(frozen=True, eq=False)
class _SortedLists:
    """How the keys of the sorted lists are computed.

    Attributes:
        weights: (8, C, L), of the cells of an untransformed hash in the key of each transform and list.
        relative: (8, 8), the transform that maps the second onto the first, from the transforms of both.
    """

    weights: Keys
    relative: Ints


@dataclass(frozen=True, eq=False)
class _ImageKeys:
    """Keys of images in one view.

    Attributes:
        key: (L, N) integers from 0 to 3**33.
        transform: (L, N) uint8, with the smallest key.
    """

    key: Keys
    transform: npt.NDArray[np.uint8]


def _lists(cells: int) -> _SortedLists:
    random = np.random.default_rng(_SEED)
    weights = np.zeros((len(DIHEDRAL_NAMES), cells, SORTED_LISTS))
    digits = 3.0 ** np.arange(_DIGITS - 1, -1, -1)
    places = np.array([transformed(np.arange(cells), transform) for transform in range(len(DIHEDRAL_NAMES))])
    for row in range(SORTED_LISTS):
        chosen = random.permutation(cells)[:_DIGITS]
        for transform in range(len(DIHEDRAL_NAMES)):
            weights[transform, places[transform, chosen], row] = digits[: len(chosen)]
    inverses = [np.argsort(place) for place in places]
    relative = [
        [next(t for t, place in enumerate(places) if (place == other[inverse]).all()) for other in places]
        for inverse in inverses
    ]
    return _SortedLists(weights, np.array(relative))


def _keys(hashes: Hashes, lists: _SortedLists) -> _ImageKeys:
    """The keys of (N, C) hashes."""
    key = np.empty((SORTED_LISTS, len(hashes)))
    transform = np.empty((SORTED_LISTS, len(hashes)), dtype=np.uint8)
    weights = lists.weights.transpose(1, 0, 2).reshape(hashes.shape[1], -1)
    for start in range(0, len(hashes), _ROWS):
        block = slice(start, start + _ROWS)
        each = (hashes[block].astype(np.float64) @ weights).reshape(-1, len(DIHEDRAL_NAMES), SORTED_LISTS)
        transform[:, block] = each.argmin(axis=1).T
        key[:, block] = each.min(axis=1).T
    key += (3**_DIGITS - 1) // 2
    return _ImageKeys(key, transform)


def _neighbors(keys: Keys) -> Iterator[tuple[Ints, Ints]]:
    """Pairs at most `_WINDOW` places apart in the sorted list whose deciding digits are equal."""
    order = np.argsort(keys)
    deciding = _deciding(keys[order])
    for offset in range(1, _WINDOW + 1):
        place = np.flatnonzero(deciding[offset:] == deciding[:-offset])
        one, other = order[place], order[place + offset]
        yield np.minimum(one, other), np.maximum(one, other)


def _between(keys: Keys, others: Keys) -> Iterator[tuple[Ints, Ints]]:
    """Pairs (of keys, of others) at most `_WINDOW` places from the key's place in the sorted list of the others."""
    order = np.argsort(others)
    sorted_, wanted = _deciding(others[order]), _deciding(keys)
    middle = np.searchsorted(others, keys, sorter=order)
    for offset in range(-_WINDOW, _WINDOW):
        place = middle + offset
        inside = np.flatnonzero((place >= 0) & (place < len(order)))
        first = inside[sorted_[place[inside]] == wanted[inside]]
        yield first, order[place[first]]


def _deciding(keys: Keys) -> Keys:
    return np.floor(keys / 3.0 ** (_DIGITS - _DECIDING))


def _similarity(hashes: Hashes, others: Hashes, first: Ints, second: Ints, transform: Ints, view: int) -> Floats32:
    """Similarity of the hashes of pairs in one view, the second one transformed."""
    similarity = np.empty(len(first), dtype=np.float32)
    for value in range(len(DIHEDRAL_NAMES)):
        rows = np.flatnonzero(transform == value)
        for start in range(0, len(rows), _PAIRS):
            block = rows[start : start + _PAIRS]
            one = unit_vectors(hashes[first[block], view])
            other = unit_vectors(transformed(others[second[block], view], value))
            similarity[block] = np.einsum("nc,nc->n", one, other)
    return similarity
