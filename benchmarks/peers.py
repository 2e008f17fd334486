"""Folders of real data -> how tumorlens and imagededup find copies in them: ``python benchmarks/peers.py DATA...``.

imagededup (PHash and DHash) is a peer, not a dependency: where it clashes with what is installed, put it in an
environment of its own and name that environment's Python with ``--python``. It is used as it comes: 64-bit hashes,
pairs up to a Hamming distance of 10. It does not look for mirrored or turned images.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.datasets import Table, open_table

# Run by `--python`: a folder -> pairs of names in it, and seconds from files to pairs.
PEER = """
import contextlib, json, sys, time
from imagededup import methods

def main():
    method, folder = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        hasher = getattr(methods, method)(verbose=False)
        begun = time.perf_counter()
        found = hasher.find_duplicates(encoding_map=hasher.encode_images(folder, recursive=True))
        spent = time.perf_counter() - begun
    pairs = sorted({tuple(sorted((one, other))) for one, others in found.items() for other in others})
    json.dump({"pairs": pairs, "seconds": spent}, sys.stdout)

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class Found:
    """What one tool says of one set.

    Attributes:
        tool: its name.
        partners: of every sample, those it is reported as a copy of.
        pairs: reported, or within clusters.
        seconds: from files to pairs.
    """

    tool: str
    partners: tuple[frozenset[int], ...]
    pairs: int
    seconds: float

    def leaked(self, table: Table) -> set[int]:
        """Test images with a copy in train."""
        train = {i for i, sample in enumerate(table.samples) if sample.split == "train"}
        test = (i for i, sample in enumerate(table.samples) if sample.split == "test")
        return {i for i in test if self.partners[i] & train}


def main() -> None:
    """One table a set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--python", default=sys.executable, help="one in which imagededup is installed")
    chosen = parser.parse_args()
    for path in chosen.data:
        table = open_table(path)
        ours = _tumorlens(table)
        compared = [ours, *(_imagededup(table, method, chosen.python) for method in ("PHash", "DHash"))]
        print(_markdown(table, ours, compared), flush=True)


def _tumorlens(table: Table) -> Found:
    begun = time.perf_counter()
    duplicates = find_duplicates(read_image_records([sample.image for sample in table.samples]))
    spent = time.perf_counter() - begun
    partners: list[frozenset[int]] = [frozenset()] * len(table)
    for cluster in duplicates.clusters:
        for i in cluster:
            partners[i] = frozenset(cluster) - {i}
    return Found("tumorlens", tuple(partners), sum(map(len, partners)) // 2, spent)


def _imagededup(table: Table, method: str, python: str) -> Found:
    folder = os.path.commonpath([sample.image.resolve().parent for sample in table.samples])
    done = subprocess.run([python, "-c", PEER, method, folder], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"imagededup cannot be run by {python}:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout)
    places = {os.path.relpath(sample.image.resolve(), folder): i for i, sample in enumerate(table.samples)}
    partners: list[set[int]] = [set() for _ in table.samples]
    for first, second in answer["pairs"]:
        if first in places and second in places:
            partners[places[first]].add(places[second])
            partners[places[second]].add(places[first])
    pairs = sum(map(len, partners)) // 2
    return Found(f"imagededup {method}", tuple(map(frozenset, partners)), pairs, float(answer["seconds"]))


def _markdown(table: Table, ours: Found, compared: list[Found]) -> str:
    tests = sum(sample.split == "test" for sample in table.samples)
    known = ours.leaked(table)
    lines = [f"## {table.name}: {len(table):,} images, {tests:,} of them test", ""]
    heads = ("tool", "test images with a copy in train", "of those tumorlens finds", "others", "pairs", "in pairs", "s")
    lines += [f"| {' | '.join(heads)} |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for found in compared:
        leaked = found.leaked(table)
        inside = len(set(chain.from_iterable(found.partners)))
        lines.append(
            f"| {found.tool} | {len(leaked):,} | {len(leaked & known):,} | {len(leaked - known):,} | {found.pairs:,} "
            f"| {inside:,} | {found.seconds:.1f} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
