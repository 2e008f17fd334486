"""All comparisons -> docs/performance.md: ``python benchmarks/run.py`` on an idle machine."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import audit
import heatmap
import light_ham
import precision
import prediction
import segmentation
import training
from material import FULL, QUICK, material
from rich.console import Console
from rich.markdown import Markdown

QUESTIONS = {
    "training": training.comparisons,
    "precision": precision.comparisons,
    "prediction": prediction.comparisons,
    "heatmap": heatmap.comparisons,
    "segmentation": segmentation.comparisons,
    "light_ham": light_ham.comparisons,
    "audit": audit.comparisons,
}
REPORT = Path(__file__).parents[1] / "docs" / "performance.md"
_PACKAGES = (
    "tumorlens", "torch", "torchvision", "timm", "lightning", "onnxruntime", "numpy", "pillow", "grad-cam",
)  # fmt: skip
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")

PREFACE = """\
# Performance

Written by `{command}`; how to run it: [benchmarks/README.md](../benchmarks/README.md).

Each implementation has its own process, which warms up once; then they take turns, so that other load affects all.
A number is the median over the rounds (lowest to highest), a ratio the median of the ratios within each round.
Every core may be used, and files are in the disk cache.
Images are phantoms and weights are random, since speed depends on neither.
*Tuned* is channels-last, and glibc's allocator set by environment variables to keep freed memory.
The numbers hold for this machine only.
"""


def main() -> None:
    """Run the comparisons and print them; a full run also writes the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"some of {list(QUESTIONS)}; all if none")
    parser.add_argument("--quick", action="store_true", help="smoke test with tiny settings")
    parser.add_argument("--out", type=Path, help=f"file to write; {REPORT.name} in docs for a full run of all")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="real images for the audit, instead of phantoms")
    options = parser.parse_args()
    if unknown := set(options.questions) - set(QUESTIONS):
        parser.error(f"unknown {sorted(unknown)}; expected some of {list(QUESTIONS)}")
    start, console = time.perf_counter(), Console()
    tables = []
    for table in _tables(options.questions or list(QUESTIONS), options.quick, options.data, console):
        tables.append(table)
        console.print(Markdown(table))
    minutes = (time.perf_counter() - start) / 60
    console.print(f"took {minutes:.1f} minutes")
    out = options.out or (None if options.questions or options.quick else REPORT)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        command = " ".join(["python benchmarks/run.py", *options.questions, *["--quick"] * options.quick])
        preface = PREFACE.format(command=command)
        out.write_text("\n".join([preface, _machine(minutes), *(f"{table}\n" for table in tables)]), encoding="utf-8")
        console.print(f"written: {out}")


def _tables(questions: list[str], quick: bool, data: Path | None, console: Console) -> Iterator[str]:
    with console.status("generating phantoms") as status, material(QUICK if quick else FULL, data) as made:
        for question in questions:
            status.update(question)
            for comparison in QUESTIONS[question](made):
                yield comparison.markdown()


def _machine(minutes: float) -> str:
    """Hardware and versions, without names of hosts or people."""
    processor = _processor()
    flags = [flag for flag in _FLAGS if flag in processor.get("flags", "").split()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{processor.get('model name', 'unknown')}, {os.cpu_count()} cores",
        "instructions": ", ".join(flags) or "unknown",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "software": f"Python {platform.python_version()}, "
        + ", ".join(f"{package} {metadata.version(package)}" for package in _PACKAGES),
        "took": f"{minutes:.1f} minutes",
    }
    rows = [f"| {key} | {value} |" for key, value in facts.items()]
    return "\n".join(["| | |", "|---|---|", *rows, ""])


def _processor() -> dict[str, str]:
    """The fields of the first processor in /proc/cpuinfo; empty where there is no such file."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().split("\n\n")[0].splitlines() if path.is_file() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


if __name__ == "__main__":
    main()
