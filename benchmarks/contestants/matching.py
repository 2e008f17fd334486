"""Count and folder of phantoms -> seconds, peak memory and recall of the matching stage, as one line of JSON.

Run once and in a process of its own, so that the peak of memory is that of this count. Codes are made up, so
that a million of them need no million images: most by chance, a fifth (at most 20,000) out of phantoms' codes of
which a quarter of the cells is drawn anew, so that some cells are nearly always the same, as in heads; and every
fiftieth is a copy of another one, turned by chance and with a twentieth of its cells drawn anew.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rounds import peak

from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.candidate_pairs import candidate_pairs
from tumorlens.auditing.duplicates.near_duplicates import CANDIDATE_SIMILARITY
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, codes, turned
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

_ROWS = 8192  # made at once
_PLANTED = 50  # every so many is a copy


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("phantoms", type=Path, help="folder of images")
    chosen = parser.parse_args()

    random = np.random.default_rng(0)
    made = _made_up(chosen.count, _codes_of(chosen.phantoms), random)
    copies, sources = _plant(made, random)
    begun = time.perf_counter()
    found = candidate_pairs(made, at_least=CANDIDATE_SIMILARITY)
    seconds = time.perf_counter() - begun
    pairs = found.first * chosen.count + found.second
    planted = np.minimum(copies, sources) * chosen.count + np.maximum(copies, sources)
    answer = {
        "seconds": seconds,
        "gigabytes": peak(),
        "pairs": len(found),
        "recall": float(np.isin(planted, pairs).mean()),
    }
    print(json.dumps(answer))


def _codes_of(folder: Path) -> Hashes:
    seen = read_image_records(sorted(folder.iterdir()))
    return codes(np.stack([one.thumbnails for one in seen if one.thumbnails is not None]))


def _made_up(count: int, known: Hashes, random: np.random.Generator) -> Hashes:
    made = np.empty((count, *known.shape[1:]), dtype=np.int8)
    alike = min(count // 5, 20_000)
    for start in range(0, count, _ROWS):
        part = made[start : start + _ROWS]
        part[:] = _chance(part.shape, random)
        heads = max(0, min(alike - start, len(part)))
        part[:heads] = _jittered(known[random.integers(0, len(known), heads)], 0.25, random)
    return made


def _plant(made: Hashes, random: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Overwrite some codes by copies of others; the positions of the copies and of their sources."""
    mixed = random.permutation(len(made))
    many = len(made) // _PLANTED
    copies, sources = mixed[:many], mixed[many : 2 * many]
    turns = random.integers(0, len(DIHEDRAL_NAMES), many)
    for turn in range(len(DIHEDRAL_NAMES)):
        rows = turns == turn
        made[copies[rows]] = _jittered(turned(made[sources[rows]], turn), 0.05, random)
    return copies, sources


def _jittered(coded: Hashes, share: float, random: np.random.Generator) -> Hashes:
    """Some of the cells made another value: half as many as the share of them again would stay the same by chance."""
    other = (coded + 1 + random.integers(1, 3, coded.shape, dtype=np.int8)) % 3 - 1
    return np.where(random.random(coded.shape, dtype=np.float32) < share, other, coded).astype(np.int8)


def _chance(shape: tuple[int, ...], random: np.random.Generator) -> Hashes:
    drawn = random.integers(0, 10, shape, dtype=np.int8)
    return (drawn < 3).astype(np.int8) - (drawn >= 7).astype(np.int8)


if __name__ == "__main__":
    main()
