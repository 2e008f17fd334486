"""A study of 160 slices: reading, and prediction beside the bare session and MONAI: ``python benchmarks/study.py``."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from comparison import COST, Comparison, Target
from interleaved import Command, Implementation, fair_environment, measure_interleaved

from tumorlens.datasets.phantom import STUDY_SERIES, phantom_study
from tumorlens.deploy.predictor import available_threads

T1_POST = STUDY_SERIES[2]


def reading(folder: Path, rounds: int) -> Comparison:
    """The series as a volume, beside decoding each of its frames once."""
    names = {"pydicom": "pydicom, every frame once", "tumorlens": "tumorlens, a volume"}
    implementations = [Implementation(name, "study_reading.py", [mode, folder]) for mode, name in names.items()]
    return Comparison(
        question="Reading a series",
        how="One DICOM file a slice, uncompressed, in the disk cache. tumorlens also checks and sorts the frames.",
        unit="s",
        ratio=COST,
        series=measure_interleaved(implementations, rounds),
        target=Target(1.3, least=False),
    )


def prediction(folder: Path, model: str, rounds: int) -> Comparison:
    """The whole command, the call in Python, and MONAI with eager PyTorch, beside reading and bare session."""
    jobs = available_threads()
    arguments = [model, folder, jobs]
    implementations: list[Any] = [
        Implementation("limit: reading and the bare session", "study_session.py", ["bare", *arguments]),
        Implementation("MONAI's loader, eager PyTorch", "study_session.py", ["monai", *arguments]),
        Implementation("tumorlens.predict_study, model loaded", "study_session.py", ["tumorlens", *arguments]),
        Command("tumorlens predict STUDY, from start to exit", _command(folder, model)),
    ]
    return Comparison(
        question=f"Predicting a series, {model}",
        how=(
            f"Slices in the plane of acquisition, {jobs} at one time with a thread each. The limit does no more than "
            "read, window and run the graph; MONAI makes no findings."
        ),
        unit="s",
        ratio=COST,
        series=measure_interleaved(implementations, rounds),
        target=Target(1.2, least=False),
    )


def _command(folder: Path, model: str) -> list[object]:
    return [sys.executable, "-m", "tumorlens", "predict", folder, "--model", model, "--planes", "acquired", "--json"]


def peak_memory(folder: Path, model: str) -> float:
    """GiB of the whole command; no larger child may have run before."""
    subprocess.run([*map(str, _command(folder, model))], env=fair_environment(), capture_output=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def main() -> None:
    """Print both tables, the peak memory, and the load of the machine before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=160)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--model", default="default")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        study = phantom_study(
            Path(place) / "study", slices=options.slices, gap=1.0, size=options.size, series=[T1_POST]
        )
        (folder,) = study.iterdir()  # MONAI takes a folder with one series
        memory = peak_memory(folder, options.model)
        print(reading(folder, options.rounds).markdown(), end="\n\n")
        print(prediction(folder, options.model, options.rounds).markdown(), end="\n\n")
    print(f"peak memory of the command: {memory:.2f} GiB")
    print(f"{available_threads()} processors; load {before:.1f} before, {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
