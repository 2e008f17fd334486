"""Folders of real data -> near-duplicates found by tumorlens and by imagededup: ``python benchmarks/peers.py DATA...``.

imagededup (PHash and DHash) is not a dependency: if it conflicts with installed packages, install it in a separate
environment and give the Python of that environment with ``--python``. It has its default settings: 64-bit hashes, pairs
up to a Hamming distance of 10. It does not search for mirrored or rotated images.
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

# Run by `--python`: a folder -> pairs of file names, and seconds from files to pairs.
PEER = """
import contextlib, json, sys, time
from imagededup import methods

def main():
    method, folder = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        hasher = getattr(methods, method)(verbose=False)
        start = time.perf_counter()
        duplicates = hasher.find_duplicates(encoding_map=hasher.encode_images(folder, recursive=True))
        seconds = time.perf_counter() - start
    pairs = sorted({tuple(sorted((one, other))) for one, others in duplicates.items() for other in others})
    json.dump({"pairs": pairs, "seconds": seconds}, sys.stdout)

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class DuplicateSearch:
    """The duplicates that one tool finds in one dataset.

    Attributes:
        tool: its name.
        partners: of every sample, the samples it is reported as a duplicate of.
        pairs: number of reported pairs, or of pairs within clusters.
        seconds: from files to pairs.
    """

    tool: str
    partners: tuple[frozenset[int], ...]
    pairs: int
    seconds: float

    def leaked(self, table: Table) -> set[int]:
        """Test images with a duplicate in train."""
        train = {i for i, sample in enumerate(table.samples) if sample.split == "train"}
        test = (i for i, sample in enumerate(table.samples) if sample.split == "test")
        return {i for i in test if self.partners[i] & train}


def main() -> None:
    """Print one table per dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python with imagededup")
    options = parser.parse_args()
    for path in options.data:
        table = open_table(path)
        ours = _tumorlens(table)
        compared = [ours, *(_imagededup(table, method, options.python) for method in ("PHash", "DHash"))]
        print(_markdown(table, ours, compared), flush=True)


def _tumorlens(table: Table) -> DuplicateSearch:
    start = time.perf_counter()
    duplicates = find_duplicates(read_image_records([sample.image for sample in table.samples]))
    seconds = time.perf_counter() - start
    partners: list[frozenset[int]] = [frozenset()] * len(table)
    for cluster in duplicates.clusters:
        for i in cluster:
            partners[i] = frozenset(cluster) - {i}
    return DuplicateSearch("tumorlens", tuple(partners), sum(map(len, partners)) // 2, seconds)


def _imagededup(table: Table, method: str, python: str) -> DuplicateSearch:
    folder = os.path.commonpath([sample.image.resolve().parent for sample in table.samples])
    done = subprocess.run([python, "-c", PEER, method, folder], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"imagededup cannot be run by {python}:\n{done.stderr[-2000:]}")
    output = json.loads(done.stdout)
    positions = {os.path.relpath(sample.image.resolve(), folder): i for i, sample in enumerate(table.samples)}
    partners: list[set[int]] = [set() for _ in table.samples]
    for first, second in output["pairs"]:
        if first in positions and second in positions:
            partners[positions[first]].add(positions[second])
            partners[positions[second]].add(positions[first])
    pairs = sum(map(len, partners)) // 2
    return DuplicateSearch(f"imagededup {method}", tuple(map(frozenset, partners)), pairs, float(output["seconds"]))


def _markdown(table: Table, ours: DuplicateSearch, compared: list[DuplicateSearch]) -> str:
    tests = sum(sample.split == "test" for sample in table.samples)
    ours_leaked = ours.leaked(table)
    lines = [f"## {table.name}: {len(table):,} images, {tests:,} of them test", ""]
    headings = (
        "tool",
        "test images with a duplicate in train",
        "also found by tumorlens",
        "not found by tumorlens",
        "pairs",
        "images in pairs",
        "s",
    )
    lines += [f"| {' | '.join(headings)} |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for search in compared:
        leaked = search.leaked(table)
        in_pairs = len(set(chain.from_iterable(search.partners)))
        lines.append(
            f"| {search.tool} | {len(leaked):,} | {len(leaked & ours_leaked):,} | {len(leaked - ours_leaked):,} "
            f"| {search.pairs:,} "
            f"| {in_pairs:,} | {search.seconds:.1f} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
