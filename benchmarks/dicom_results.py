"""Seconds and bytes of each DICOM object of a result: ``python benchmarks/dicom_results.py``.

The segmentation is held against pydicom, which writes the same frames once with a header that is there already.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.pixels.utils import pack_bits

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fixtures.known_results import chosen, known_result
from tumorlens import dicom_results
from tumorlens.datasets.phantom import STUDY_SERIES, phantom_study
from tumorlens.studies.study_result import StudyResult

SIZES = ((28, 192), (160, 256))
TARGET = 3.0  # seconds of the segmentation, in those of pydicom


@dataclass(frozen=True)
class ObjectCost:
    """What an object costs.

    Attributes:
        name: of the object.
        seconds: median of the rounds, with writing to memory.
        bytes: of the file.
    """

    name: str
    seconds: float
    bytes: int


def result_of(slices: int, size: int, folder: Path) -> StudyResult:
    """A ball in a phantom series."""
    phantom_study(folder, slices=slices, size=size, gap=1.0 if slices > 100 else 5.0, series=STUDY_SERIES[2:3])
    volume, choice = chosen(folder)
    z, y, x = np.indices(volume.size)
    ball = (z - slices / 2) ** 2 / (slices / 6) ** 2 + ((y - size / 2) ** 2 + (x - size / 3) ** 2) / (size / 10) ** 2
    return known_result(volume, (ball < 1).astype(np.uint8), choice)


def saved(made: Dataset) -> int:
    """Write to memory; the number of bytes."""
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.tell()


def plain_pydicom(made: Dataset, result: StudyResult) -> Callable[[], int]:
    """Pack the frames with a finding and write them, with the header of an object that is there already."""
    header = pydicom.Dataset()
    header.update({element.tag: element for element in made if element.keyword != "PixelData"})
    header.file_meta = made.file_meta

    def write() -> int:
        held = [index for index in range(len(result.labels)) if result.labels[index].any()]
        header.PixelData = pack_bits(result.labels[held].ravel())
        return saved(header)

    return write


def measured(name: str, make: Callable[[], int], rounds: int) -> ObjectCost:
    """One call to warm up, then the median of the rounds."""
    size = make()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        make()
        times.append(time.perf_counter() - start)
    return ObjectCost(name, median(times), size)


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    for slices, size in SIZES:
        with tempfile.TemporaryDirectory() as place:
            result = result_of(slices, size, Path(place) / "study")
            segmentation = dicom_results.seg(result)
            objects = {
                "pydicom, the same frames once": plain_pydicom(segmentation, result),
                "SEG": lambda result=result: saved(dicom_results.seg(result)),
                "SEG, label map": lambda result=result: saved(dicom_results.seg(result, labelmap=True)),
                "SR, measurements (with its SEG)": lambda result=result: saved(dicom_results.sr_measurements(result)),
                "SR, outlines": lambda result=result: saved(dicom_results.sr_outlines(result)),
                "PM": lambda result=result: saved(dicom_results.pm(result)),
                "SC, all images": lambda result=result: sum(map(saved, dicom_results.sc(result))),
            }
            costs = [measured(name, make, rounds) for name, make in objects.items()]
            print(f"{slices} x {size} x {size}, one finding")
            for cost in costs:
                print(f"  {cost.name:32} {cost.seconds:8.3f} s {cost.bytes:12,} bytes")
            ratio = costs[1].seconds / costs[0].seconds
            print(f"  SEG takes {ratio:.1f} times as long as pydicom (target: at most {TARGET:g})", flush=True)


if __name__ == "__main__":
    main()
