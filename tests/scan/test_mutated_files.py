"""Damaged DICOM and NIfTI files are read or refused: never a crash, a hang, or memory that a header asks for."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.fixtures.mutated_files import NOISE, SECONDS, read_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory from /proc")


def complaints(found: dict[str, Any], count: int) -> list[str]:
    """What is wrong with the outcome of a number of files, one clause each."""
    wrong = {
        f"{len(found['crashes'])} crashes: {found['crashes'][:3]}": bool(found["crashes"]),
        "not every file was read or refused": found["read"] + found["refused"] != count,
        "the mutations change too little": found["refused"] < 0.2 * count,
        "the mutations change too much": found["read"] < 0.02 * count,
        f"one file took {found['seconds']:.1f} seconds": found["seconds"] >= SECONDS,
        f"one file took {found['peak_mb']:.0f} MB": found["peak_mb"] > 2 * found["sound_mb"] + NOISE,
    }
    return [text for text, is_so in wrong.items() if is_so]


@pytest.mark.slow  # 200 files of each kind take about 20 seconds
@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_200_mutated_files_are_read_or_refused(kind: str) -> None:
    assert complaints(read_all(kind, 200), 200) == []


@pytest.mark.campaign
@pytest.mark.parametrize(("kind", "count"), [("dicom", 1000), ("nifti", 300)])
def test_many_mutated_files_are_read_or_refused(kind: str, count: int) -> None:
    assert complaints(read_all(kind, count), count) == []


def test_a_crash_a_hang_and_a_file_that_takes_memory_are_complaints() -> None:
    sound = {"read": 40, "refused": 60, "crashes": [], "seconds": 0.1, "sound_mb": 1.0, "peak_mb": 2.0}
    assert complaints(sound, 100) == []
    bad = {"read": 1, "refused": 10, "crashes": ["x"], "seconds": 6.0, "sound_mb": 1.0, "peak_mb": 90.0}
    assert len(complaints(bad, 100)) == 6
