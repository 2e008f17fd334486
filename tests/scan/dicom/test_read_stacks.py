"""Every hard case of DICOM files is read right, or refused for its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.hard_dicom import CASES, Expected, HardCase, Placed, assert_placed
from tumorlens.errors import ScanError, TumorlensError
from tumorlens.scan.dicom.read_stacks import DicomContents, read_stacks
from tumorlens.scan.dicom.stacks import Stack
from tumorlens.scan.volume import Volume

WORDS = {
    "no_geometry": "no position, orientation or spacing",
    "no_pixels": "no image",
    "color": "color",
    "float_pixels": "floating point",
    "mosaic": "mosaic",
    "ambiguous": "different slices at one place",
    "truncated": "",
    "empty": "empty",
    "not_dicom": "",
    "encrypted": "encrypted",
    "unsafe_path": "outside of itself",
    "nested_zip": "",
}


def read(case: HardCase, folder: Path) -> tuple[DicomContents | None, list[str]]:
    """What is read, and the reasons for what is not."""
    if case.skip_reason:
        pytest.skip(case.skip_reason)
    try:
        contents = read_stacks(case.write(folder))
    except ScanError as error:
        return None, [error.found]
    reasons = [refusal.reason for refusal in contents.refusals]
    for stack in contents.stacks:
        try:
            np.asarray(stack.volume())
        except TumorlensError as error:
            reasons.append(error.found)
    return contents, reasons


def readable(stacks: tuple[Stack, ...]) -> list[Stack]:
    """The stacks with all gray values, the longest first."""
    found = []
    for stack in stacks:
        try:
            np.asarray(stack.volume())
            found.append(stack)
        except TumorlensError:
            continue
    return sorted(found, key=lambda stack: -len(stack.frames))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hard_case_is_right_or_refused_with_its_reason(case: HardCase, tmp_path: Path) -> None:
    contents, reasons = read(case, tmp_path)
    expected = case.expected
    stacks = readable(contents.stacks) if contents else []
    if expected.or_refused and not stacks:
        assert reasons or (contents and contents.other_files)
        return
    assert [len(stack.frames) for stack in stacks] == list(expected.stacks), reasons
    for name in expected.refused:
        left_out = reasons + (["other"] if contents and contents.other_files else [])
        assert any(WORDS[name] in reason for reason in left_out), (name, left_out)
    if stacks and expected.geometry:
        irregular = stacks[0].irregular or "regular"
        assert irregular.startswith(expected.geometry), irregular
    volumes = [stack.volume() for stack in stacks]
    for truth in expected.volumes:
        if truth.affine is not None:
            assert any(is_right(volume, truth, expected) for volume in volumes), _why(volumes[0], truth, expected)
        else:
            assert any(np.array_equal(np.asarray(volume), truth.voxels) for volume in volumes)


def is_right(volume: Volume, truth: Placed, expected: Expected) -> bool:
    return _why(volume, truth, expected) is None


def _why(volume: Volume, truth: Placed, expected: Expected) -> str | None:
    """What is wrong with a volume."""
    if volume.affine is None:
        return "irregular"
    try:
        assert_placed(
            np.asarray(volume), volume.affine, truth, tolerance=expected.tolerance, any_offset=expected.any_offset
        )
    except AssertionError as error:
        return str(error)
    return None
