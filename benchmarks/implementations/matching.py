"""Count and folder of phantoms -> seconds, peak memory and recall of the matching stage, as one line of JSON.

It runs once and in a process of its own, so that the peak memory is that of this count. The hashes are synthetic, so
that a million of them need no million images: most are random, a fifth (at most 20,000) are hashes of phantoms with a
quarter of the cells replaced at random, so that some cells are nearly constant, as in heads; and every fiftieth is a
duplicate of another one, randomly flipped or rotated and with a twentieth of its cells replaced.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rounds import peak

from tumorlens.auditing.duplicates.candidate_pairs import candidate_pairs
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.near_duplicates import CANDIDATE_SIMILARITY
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, perceptual_hashes, transformed
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

_ROWS = 8192  # made at once
_PLANTED = 50  # one hash of so many is a duplicate


def main() -> None:
    """Measure the matching stage once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("phantoms", type=Path, help="folder of images")
    options = parser.parse_args()

    random = np.random.default_rng(0)
    hashes = _synthetic(options.count, _hashes_of(options.phantoms), random)
    copies, sources = _plant(hashes, random)
    begun = time.perf_counter()
    candidates = candidate_pairs(hashes, at_least=CANDIDATE_SIMILARITY)
    seconds = time.perf_counter() - begun
    pairs = candidates.first * options.count + candidates.second
    planted = np.minimum(copies, sources) * options.count + np.maximum(copies, sources)
    result = {
        "seconds": seconds,
        "gigabytes": peak(),
        "pairs": len(candidates),
        "recall": float(np.isin(planted, pairs).mean()),
    }
    print(json.dumps(result))


def _hashes_of(folder: Path) -> Hashes:
    records = read_image_records(sorted(folder.iterdir()))
    return perceptual_hashes(np.stack([record.thumbnails for record in records if record.thumbnails is not None]))


def _synthetic(count: int, phantoms: Hashes, random: np.random.Generator) -> Hashes:
    hashes = np.empty((count, *phantoms.shape[1:]), dtype=np.int8)
    similar = min(count // 5, 20_000)
    for start in range(0, count, _ROWS):
        block = hashes[start : start + _ROWS]
        block[:] = _random_hashes(block.shape, random)
        heads = max(0, min(similar - start, len(block)))
        block[:heads] = _jittered(phantoms[random.integers(0, len(phantoms), heads)], 0.25, random)
    return hashes


def _plant(hashes: Hashes, random: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Overwrite some hashes with altered copies of others; the positions of the copies and of their sources."""
    shuffled = random.permutation(len(hashes))
    n = len(hashes) // _PLANTED
    copies, sources = shuffled[:n], shuffled[n : 2 * n]
    transforms = random.integers(0, len(DIHEDRAL_NAMES), n)
    for transform in range(len(DIHEDRAL_NAMES)):
        rows = transforms == transform
        hashes[copies[rows]] = _jittered(transformed(hashes[sources[rows]], transform), 0.05, random)
    return copies, sources


def _jittered(hashes: Hashes, share: float, random: np.random.Generator) -> Hashes:
    """A share of the cells with another value."""
    other = (hashes + 1 + random.integers(1, 3, hashes.shape, dtype=np.int8)) % 3 - 1
    return np.where(random.random(hashes.shape, dtype=np.float32) < share, other, hashes).astype(np.int8)


def _random_hashes(shape: tuple[int, ...], random: np.random.Generator) -> Hashes:
    digits = random.integers(0, 10, shape, dtype=np.int8)
    return (digits < 3).astype(np.int8) - (digits >= 7).astype(np.int8)


if __name__ == "__main__":
    main()
