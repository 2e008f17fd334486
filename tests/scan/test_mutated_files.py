"""Damaged DICOM and NIfTI files are read or refused: never a crash, a hang, or memory that a header asks for."""

from __future__ import annotations

import sys

import pytest

from tests.fixtures.mutated_files import NOISE, SECONDS, read_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory from /proc")


def check(kind: str, count: int) -> None:
    found = read_all(kind, count)
    assert found["crashes"] == []
    assert found["read"] + found["refused"] == count
    assert found["refused"] > 0.2 * count, "the mutations change too little"
    assert found["read"] > 0.02 * count, "the mutations change too much"
    assert found["seconds"] < SECONDS
    assert found["peak_mb"] <= 2 * found["sound_mb"] + NOISE


@pytest.mark.slow  # 200 files of each kind take about 20 seconds
@pytest.mark.parametrize("kind", ["dicom", "nifti"])
def test_200_mutated_files_are_read_or_refused(kind: str) -> None:
    check(kind, 200)


@pytest.mark.campaign
@pytest.mark.parametrize(("kind", "count"), [("dicom", 1000), ("nifti", 300)])
def test_many_mutated_files_are_read_or_refused(kind: str, count: int) -> None:
    check(kind, count)
