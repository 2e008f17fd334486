"""How many planted copies of real images the audit finds: ``python benchmarks/planted.py FOLDER [--count 200]``.

The kinds of copies are those of the tests (tests/fixtures/altered_copies.py); here they are made of images of yours.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fixtures.altered_copies import KINDS
from tumorlens.auditing.duplicates.near_duplicates import find_near_duplicates
from tumorlens.auditing.duplicates.perceptual_hash import thumbnails
from tumorlens.datasets import open_table
from tumorlens.scan import GrayImage, read_scan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    random = np.random.default_rng(chosen.seed)
    samples = open_table(chosen.folder).samples
    picked = random.choice(len(samples), min(chosen.count, len(samples)), replace=False)
    originals = [read_scan(samples[i].image).gray_slice() for i in picked]
    known = np.stack([drawn(image) for image in originals])
    for kind, copy in KINDS.items():
        copies = np.stack([drawn(copy(image, random)) for image in originals])
        found = {(a, b) for a, b, _, _ in find_near_duplicates(np.concatenate([known, copies]))}
        right = sum((i, i + len(known)) in found for i in range(len(known)))
        print(f"{kind:32} {right} of {len(known)} found, {len(found) - right} other pairs", flush=True)


def drawn(image: GrayImage) -> np.ndarray:
    made = thumbnails(np.ascontiguousarray(image))
    assert made is not None, "a blank image has no copies"
    return made


if __name__ == "__main__":
    main()
