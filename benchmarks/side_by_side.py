"""Commands on one folder, in turn and side by side, and the bare ONNX session: ``python benchmarks/side_by_side.py``.

A machine that computes two folders side by side should need no longer than for one after the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison import COST, Comparison
from interleaved import Implementation, Series, fair_environment, measure_interleaved

from tumorlens.datasets.phantom import make
from tumorlens.deploy.predictor import available_threads
from tumorlens.deploy.shipped import shipped_file

MODEL = "tiny"


@dataclass
class Commands(AbstractContextManager["Commands"]):
    """Two commands, or one; a round measures the seconds from the first start to the last exit."""

    name: str
    commands: Sequence[Sequence[object]]
    together: bool = False

    def __enter__(self) -> Commands:
        self.round()  # so that the files are in the disk cache
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def round(self) -> float:
        """Run all commands once, and check their exit codes."""
        start = time.perf_counter()
        running: list[subprocess.Popen[bytes]] = []
        for command in self.commands:
            quiet = subprocess.DEVNULL
            running.append(subprocess.Popen([*map(str, command)], env=fair_environment(), stdout=quiet))
            if not self.together:
                running[-1].wait()
        codes = [process.wait() for process in running]
        if any(codes):
            raise RuntimeError(f"{self.name}: exit codes {codes}")
        return time.perf_counter() - start


def two_folders(folder: Path, rounds: int) -> Comparison:
    """Two predictions of the same folder, each with all processors, and each bound to its own."""
    command = _predict(folder)
    implementations: list[Any] = [
        Commands("one after the other", [command, command]),
        Commands("side by side", [command, command], together=True),
    ]
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if shutil.which("taskset") and len(processors) > 1:
        half = len(processors) // 2
        shares = [",".join(map(str, part)) for part in (processors[:half], processors[half:])]
        bound = [["taskset", "-c", share, *command] for share in shares]
        implementations.append(Commands("side by side, each bound to half of the processors", bound, together=True))
    return Comparison(
        question="Two predictions of a folder",
        how=f"`tumorlens predict FOLDER --model {MODEL}` twice; seconds for both, from start to exit.",
        unit="s",
        ratio=COST,
        series=measure_interleaved(implementations, rounds),
    )


def jobs(folder: Path, rounds: int) -> Comparison:
    """One prediction of a folder with one job and with as many as processors, beside the bare session."""
    count = available_threads()
    model = shipped_file(MODEL, ".onnx")
    implementations: list[Any] = [
        Implementation("bare ONNX session, images in memory", "bare_session.py", [model, folder, count]),
        Commands(f"predict --jobs 1, {count} threads", [[*_predict(folder), "--jobs", 1]]),
        Commands(f"predict --jobs {count}, 1 thread each", [[*_predict(folder), "--jobs", count]]),
    ]
    series: tuple[Series, ...] = measure_interleaved(implementations, rounds)
    return Comparison(
        question="A folder by one job and by several",
        how=(
            f"`tumorlens predict FOLDER --model {MODEL}` from start to exit. The limit is the session alone: images "
            f"in memory, {count} at a time, computed with one thread each."
        ),
        unit="s",
        ratio=COST,
        series=series,
    )


def _predict(folder: Path) -> list[object]:
    return [sys.executable, "-m", "tumorlens", "predict", folder, "--model", MODEL]


def main() -> None:
    """Print both tables, and the load of the machine before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=240, help="phantoms in the folder")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        phantoms = Path(place) / "phantoms"
        make(phantoms, patients=max(4, options.images // 4), slices=4, size=512)
        for table in (two_folders, jobs):
            print(table(phantoms / "images", options.rounds).markdown(), end="\n\n")
    print(f"{available_threads()} processors; load {before:.1f} before, {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
