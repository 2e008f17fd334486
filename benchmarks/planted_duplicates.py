"""Recall of the audit for planted duplicates of real images: ``python benchmarks/planted_duplicates.py FOLDER``.

The kinds of altered copies are those of the tests (tests/fixtures/altered_copies.py), made of your images.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fixtures.altered_copies import KINDS
from tumorlens.auditing.duplicates.near_duplicates import find_near_duplicates
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails, make_thumbnails
from tumorlens.datasets import open_table
from tumorlens.scan import GrayImage, read_scan


def main() -> None:
    """Print the recall for each kind of altered copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    samples = open_table(options.folder).samples
    chosen = random.choice(len(samples), min(options.count, len(samples)), replace=False)
    images = [read_scan(samples[i].image).gray_slice() for i in chosen]
    originals = np.stack([_thumbnails(image) for image in images])
    n = len(originals)
    for kind, alter in KINDS.items():
        copies = np.stack([_thumbnails(alter(image, random)) for image in images])
        pairs = {(a, b) for a, b, _, _ in find_near_duplicates(np.concatenate([originals, copies]))}
        correct = sum((i, i + n) in pairs for i in range(n))
        print(f"{kind:32} {correct} of {n} found, {len(pairs) - correct} other pairs", flush=True)


def _thumbnails(image: GrayImage) -> Thumbnails:
    thumbnails = make_thumbnails(np.ascontiguousarray(image))
    assert thumbnails is not None, "a blank image has no duplicates"
    return thumbnails


if __name__ == "__main__":
    main()
