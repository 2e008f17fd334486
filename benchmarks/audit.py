"""The audit: how its matching stage grows with the number of images, and files to report against decoding them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from finding import COST, Finding, Target
from material import Material
from race import CONTESTANTS, Contestant, fair_environment, race

from tumorlens.auditing.duplicates.candidate_pairs import EXACT

MINUTES, GIGABYTES, RECALL = 10, 4, 0.99


def findings(material: Material) -> Iterator[Finding | Growth]:
    """In the order of the heading."""
    yield _growth(material)
    yield _from_disk(material)


@dataclass(frozen=True)
class Step:
    """What one number of fingerprints took.

    Attributes:
        count: of fingerprints.
        seconds: of the matching stage alone.
        gigabytes: GiB, the peak of the whole process, the fingerprints themselves included.
        recall: of the planted copies.
        pairs: found.
    """

    count: int
    seconds: float
    gigabytes: float
    recall: float
    pairs: int


@dataclass(frozen=True)
class Growth:
    """Time, memory and recall over the number of fingerprints."""

    steps: tuple[Step, ...]

    def markdown(self) -> str:
        """Heading, method, table and verdict."""
        lines = [
            "## Matching many fingerprints",
            "",
            "`tumorlens.auditing.duplicates.candidate_pairs.candidate_pairs` once for each number, in a process of its own. Fingerprints "
            "are made up: most by chance, up to 20,000 are phantoms' with a quarter of the cells drawn anew; every "
            "fiftieth is a copy of another, turned by chance, with a twentieth of its cells changed. Up to "
            f"{EXACT:,} every pair is compared; past that sorted lists of keys are used.",
            "",
            "| fingerprints | way | s | peak memory, GiB | planted copies found | pairs reported |",
            "|---:|---|---:|---:|---:|---:|",
        ]
        for step in self.steps:
            way = "every pair" if step.count <= EXACT else "sorted lists"
            lines.append(
                f"| {step.count:,} | {way} | {step.seconds:.1f} | {step.gigabytes:.2f} | {100 * step.recall:.2f} % "
                f"| {step.pairs:,} |"
            )
        last = self.steps[-1]
        met = last.seconds <= 60 * MINUTES and last.gigabytes <= GIGABYTES and last.recall >= RECALL
        lines += [
            "",
            f"Target for a million: at most {MINUTES} minutes and {GIGABYTES} GB, {100 * RECALL:.0f} % of the copies. "
            f"Measured with {last.count:,}: {last.seconds / 60:.1f} minutes, {last.gigabytes:.1f} GiB, "
            f"{100 * last.recall:.2f} %. **{'Met' if met else 'Not met'}.**",
        ]
        return "\n".join(lines)


def _growth(material: Material) -> Growth:
    return Growth(tuple(_step(material, count) for count in material.settings.fingerprints))


def _step(material: Material, count: int) -> Step:
    done = subprocess.run(
        [sys.executable, CONTESTANTS / "matching.py", str(count), material.phantoms / "images"],
        env=fair_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"matching.py {count}: exit code {done.returncode}\n{done.stderr[-3000:]}")
    return Step(count, **json.loads(done.stdout))


def _from_disk(material: Material) -> Finding:
    folder = material.audited
    what = "The folder given by `--data`" if material.data else "Every phantom as JPEG, once as it is and once mirrored"
    return Finding(
        question=f"{material.audited_files:,} files from disk to report",
        how=(
            f"{what}. PIL decodes every file once, on all cores. tumorlens: the whole of `tumorlens audit`, from "
            "opening the folder to report.html, audit.json and run.json. Its shortcuts are fitted by "
            "cross-validation, which takes about as long for few files as for many. Files are in the system's cache."
        ),
        unit="s",
        ratio=COST,
        series=race(
            [
                Contestant("PIL decodes", "plain_decoding.py", [folder]),
                Contestant("tumorlens audit, no shortcuts", "tumorlens_audit.py", [folder, "--no-shortcuts"]),
                Contestant("tumorlens audit", "tumorlens_audit.py", [folder]),
            ],
            1 if material.data else material.settings.short_rounds,  # thousands of files take long enough
        ),
        target=Target(2.5, least=False),
    )
