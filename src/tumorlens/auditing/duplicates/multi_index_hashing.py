"""very many codes -> candidate pairs: only images that stand side by side in one of many sorted lists are compared.

A *key* is the values of some cells of a code, in an order drawn by chance, read as digits of one number. Each
image is turned as its key is smallest, so that a copy has the same key however it was turned. A list of all
images sorted by one such key brings copies together unless one of the cells that decide differs; of 32 lists in
four views one does not, nearly always. This is multi-index hashing with turns taken out (Norouzi, Punjani and
Fleet, CVPR 2012) and with neighbors in a sorted list in place of buckets (Hernández and Stolfo, SIGMOD 1995), so that
the many slices which look alike in a few cells cost no more than others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats32, Ints
from tumorlens.auditing.duplicates.image_records import Progress
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, turned, unit
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

Keys = npt.NDArray[np.float64]  # whole numbers below 3**33, which float64 holds exactly: so a matrix product makes them
Rows = npt.NDArray[np.float64]  # (M, 5): first, second, view, turn and similarity of pairs

LISTS = 32
"""In each view."""

_DIGITS = 33  # of a key; the most that are exact in float64
_DECIDING = 20  # first digits that must be equal
_REACH = 6  # further places in a list at which an image looks
_ROWS = 4096  # codes turned to keys at once: 8 MB
_PAIRS = 8192  # compared at once: 8 MB for each side
_SEED = 0


def rows_many(
    codes: Hashes,
    others: Hashes | None = None,
    *,
    at_least: float,
    progress: Progress | None = None,
) -> Rows:
    """Pairs of images whose codes agree in any view and turn: nearly all such pairs, and no others.

    Of very many images that all look alike, each is paired with some of the others, enough to connect them.

    Args:
        codes: (N, V, C) int8.
        others: (M, V, C) int8; None to compare the codes with each other.
        at_least: similarity, -1 to 1.
        progress: called with (done, total).

    Returns:
        A pair in each turn in which it was found, with the view that agrees best.
    """
    lists, views = _lists(codes.shape[2]), codes.shape[1]
    second_codes = codes if others is None else others
    found: Ints = np.zeros(0, dtype=np.int64)
    for view in range(views):
        keys = _keys(codes[:, view], lists)
        known = keys if others is None else _keys(second_codes[:, view], lists)
        for row in range(LISTS):
            near = _neighbors(keys.key[row]) if others is None else _between(keys.key[row], known.key[row])
            for first, second in near:
                turn = lists.relative[keys.turn[row, first], known.turn[row, second]]
                alike = _similarity(codes, second_codes, first, second, turn, view) >= at_least
                pair = first[alike] * len(second_codes) + second[alike]
                found = np.union1d(found, pair * len(DIHEDRAL_NAMES) + turn[alike])
            if progress:
                progress(view * LISTS + row + 1, views * LISTS)
    pair, turn = np.divmod(found, len(DIHEDRAL_NAMES))
    first, second = np.divmod(pair, len(second_codes))
    rows = np.empty((len(found), 5))
    rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4] = first, second, 0, turn, -1
    for view in range(views):
        similarity = _similarity(codes, second_codes, first, second, turn, view)
        better = similarity > rows[:, 4]
        rows[better, 2], rows[better, 4] = view, similarity[better]
    return rows


@dataclass(frozen=True, eq=False)
class _Lists:
    """How keys are made.

    Attributes:
        weights: (8, C, L), of the cells of an unturned code in the key of each turn and list.
        relative: (8, 8), the turn that makes the second look like the first, from the turns of both.
    """

    weights: Keys
    relative: Ints


@dataclass(frozen=True, eq=False)
class _Keyed:
    """Keys of images in one view.

    Attributes:
        key: (L, N) whole numbers from 0 to 3**33.
        turn: (L, N) uint8, in which the key was smallest.
    """

    key: Keys
    turn: npt.NDArray[np.uint8]


def _lists(cells: int) -> _Lists:
    random = np.random.default_rng(_SEED)
    weights = np.zeros((len(DIHEDRAL_NAMES), cells, LISTS))
    digits = 3.0 ** np.arange(_DIGITS - 1, -1, -1)
    places = np.array([turned(np.arange(cells), turn) for turn in range(len(DIHEDRAL_NAMES))])
    for row in range(LISTS):
        chosen = random.permutation(cells)[:_DIGITS]
        for turn in range(len(DIHEDRAL_NAMES)):
            weights[turn, places[turn, chosen], row] = digits[: len(chosen)]
    back = [np.argsort(place) for place in places]
    relative = [
        [next(t for t, place in enumerate(places) if (place == other[undo]).all()) for other in places] for undo in back
    ]
    return _Lists(weights, np.array(relative))


def _keys(codes: Hashes, lists: _Lists) -> _Keyed:
    """Of (N, C) codes."""
    key = np.empty((LISTS, len(codes)))
    turn = np.empty((LISTS, len(codes)), dtype=np.uint8)
    weights = lists.weights.transpose(1, 0, 2).reshape(codes.shape[1], -1)
    for start in range(0, len(codes), _ROWS):
        part = slice(start, start + _ROWS)
        each = (codes[part].astype(np.float64) @ weights).reshape(-1, len(DIHEDRAL_NAMES), LISTS)
        turn[:, part] = each.argmin(axis=1).T
        key[:, part] = each.min(axis=1).T
    key += (3**_DIGITS - 1) // 2
    return _Keyed(key, turn)


def _neighbors(keys: Keys) -> Iterator[tuple[Ints, Ints]]:
    """Pairs at most `_REACH` places apart in the sorted list whose deciding digits are equal."""
    order = np.argsort(keys)
    deciding = _deciding(keys[order])
    for reach in range(1, _REACH + 1):
        place = np.flatnonzero(deciding[reach:] == deciding[:-reach])
        one, other = order[place], order[place + reach]
        yield np.minimum(one, other), np.maximum(one, other)


def _between(keys: Keys, others: Keys) -> Iterator[tuple[Ints, Ints]]:
    """Pairs (of keys, of others) at most `_REACH` places from where the key would stand among the others."""
    order = np.argsort(others)
    sorted_, wanted = _deciding(others[order]), _deciding(keys)
    middle = np.searchsorted(others, keys, sorter=order)
    for reach in range(-_REACH, _REACH):
        place = middle + reach
        inside = np.flatnonzero((place >= 0) & (place < len(order)))
        first = inside[sorted_[place[inside]] == wanted[inside]]
        yield first, order[place[first]]


def _deciding(keys: Keys) -> Keys:
    return np.floor(keys / 3.0 ** (_DIGITS - _DECIDING))


def _similarity(codes: Hashes, others: Hashes, first: Ints, second: Ints, turn: Ints, view: int) -> Floats32:
    """Of the codes of pairs in one view, the second turned."""
    found = np.empty(len(first), dtype=np.float32)
    for now in range(len(DIHEDRAL_NAMES)):
        rows = np.flatnonzero(turn == now)
        for start in range(0, len(rows), _PAIRS):
            part = rows[start : start + _PAIRS]
            one, other = unit(codes[first[part], view]), unit(turned(others[second[part], view], now))
            found[part] = np.einsum("nc,nc->n", one, other)
    return found
