"""The audit: cost of its matching stage over the number of images, and of the whole audit against decoding alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from comparison import COST, Comparison, Target
from interleaved import IMPLEMENTATIONS, Implementation, fair_environment, measure_interleaved
from material import Material

from tumorlens.auditing.duplicates.candidate_pairs import EXACT_COMPARISON_LIMIT

MINUTES, GIGABYTES, RECALL = 10, 4, 0.99


def comparisons(material: Material) -> Iterator[Comparison | MatchingScaling]:
    """In the order of the heading."""
    yield _matching_scaling(material)
    yield _from_disk(material)


@dataclass(frozen=True)
class ScalingStep:
    """Cost and recall for one number of perceptual hashes.

    Attributes:
        count: of hashes.
        seconds: of the matching stage alone.
        gigabytes: GiB, the peak memory of the whole process, with the hashes themselves.
        recall: of the planted duplicates.
        pairs: reported.
    """

    count: int
    seconds: float
    gigabytes: float
    recall: float
    pairs: int


@dataclass(frozen=True)
class MatchingScaling:
    """Time, memory and recall over the number of hashes."""

    steps: tuple[ScalingStep, ...]

    def markdown(self) -> str:
        """Heading, method, table and verdict."""
        lines = [
            "## Matching many perceptual hashes",
            "",
            "`candidate_pairs` in a new process, on synthetic hashes: random ones, and up to 20,000 of phantoms with a",
            "quarter of the cells replaced; every fiftieth is a flipped or rotated duplicate, a twentieth changed.",
            f"Up to {EXACT_COMPARISON_LIMIT:,} every pair is compared; beyond that, sorted lists of keys are used.",
            "",
            "| hashes | method | s | peak memory, GiB | planted duplicates found | pairs reported |",
            "|---:|---|---:|---:|---:|---:|",
        ]
        for step in self.steps:
            method = "every pair" if step.count <= EXACT_COMPARISON_LIMIT else "sorted lists"
            lines.append(
                f"| {step.count:,} | {method} | {step.seconds:.1f} | {step.gigabytes:.2f} | {100 * step.recall:.2f} % "
                f"| {step.pairs:,} |"
            )
        last = self.steps[-1]
        met = last.seconds <= 60 * MINUTES and last.gigabytes <= GIGABYTES and last.recall >= RECALL
        lines += [
            "",
            f"Target for the last row: at most {MINUTES} minutes and {GIGABYTES} GB, "
            f"{100 * RECALL:.0f} % of the duplicates, **{'met' if met else 'not met'}**.",
        ]
        return "\n".join(lines)


def _matching_scaling(material: Material) -> MatchingScaling:
    return MatchingScaling(tuple(_step(material, count) for count in material.settings.fingerprints))


def _step(material: Material, count: int) -> ScalingStep:
    done = subprocess.run(
        [sys.executable, IMPLEMENTATIONS / "matching.py", str(count), material.phantoms / "images"],
        env=fair_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"matching.py {count}: exit code {done.returncode}\n{done.stderr[-3000:]}")
    return ScalingStep(count, **json.loads(done.stdout))


def _from_disk(material: Material) -> Comparison:
    folder = material.audited
    what = "The folder given by `--data`" if material.data else "Every phantom as JPEG, once as it is and once mirrored"
    return Comparison(
        question=f"{material.audited_files:,} files from disk to report",
        how=(
            f"{what}; PIL decodes every file once, on all cores. The shortcut classifiers take about as long for few "
            "files as for many."
        ),
        unit="s",
        ratio=COST,
        series=measure_interleaved(
            [
                Implementation("PIL decodes", "plain_decoding.py", [folder]),
                Implementation("tumorlens audit, no shortcuts", "tumorlens_audit.py", [folder, "--no-shortcuts"]),
                Implementation("tumorlens audit", "tumorlens_audit.py", [folder]),
            ],
            1 if material.data else material.settings.short_rounds,  # thousands of files take long enough
        ),
        target=Target(2.5, least=False),
    )
