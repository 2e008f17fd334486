"""Geometry of volumes: places, planes, upright slices, and the way back."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tumorlens.scan.types import Pixels
from tumorlens.scan.volume import PLANES, Volume, direction_letter, reorientation, scan_of, slice_reorientation


def make(voxels: Pixels, origins: np.ndarray | None = None, irregular: str | None = None) -> Volume:
    """An axial volume with slices every 5 mm and pixels of 2 x 1 mm."""
    places = np.arange(len(voxels))[:, None] * np.array([0.0, 0.0, 5.0]) if origins is None else origins
    return Volume(
        voxels.shape, places, np.array([0.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0]), irregular,
        voxels.__getitem__, Path("head"), "NIfTI",
    )  # fmt: skip


def test_voxels_are_read_slice_by_slice_and_widened_where_slices_differ_in_type() -> None:
    slices = [np.full((2, 3), -1, np.int16), np.full((2, 3), 60_000, np.uint16)]
    volume = make(np.zeros((2, 2, 3)))
    mixed = Volume(
        volume.size, volume.origins, volume.row_step, volume.column_step, None, slices.__getitem__, Path("x"), "DICOM"
    )
    voxels = np.asarray(mixed)
    assert voxels[:, 0, 0].tolist() == [-1, 60_000]
    assert np.asarray(mixed, dtype=np.float32).dtype == np.float32


def test_a_slice_is_a_scan_with_spacing_and_orientation() -> None:
    volume = make(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    scan = volume[-1]
    assert scan.pixels.tolist() == volume.read(1).tolist()
    assert scan.spacing == (2.0, 1.0)
    assert scan.orientation == "PL"
    assert scan_of(volume).orientation == "SPL"
    with pytest.raises(IndexError):
        volume[2]


def test_an_irregular_volume_has_no_affine_and_a_sheared_one_has() -> None:
    voxels = np.zeros((3, 2, 2), np.uint8)
    gap = np.array([[0, 0, 0], [0, 0, 5], [0, 0, 12]], dtype=float)
    assert make(voxels, gap, "irregular").affine is None
    tilted = np.array([[0, 0, 0], [0, 1, 5], [0, 2, 10]], dtype=float)
    affine = make(voxels, tilted, "sheared").affine
    assert affine is not None
    assert affine[:3, 0].tolist() == [0, 1, 5]
    assert make(voxels, tilted, "sheared").spacing == (5.0, 2.0, 1.0)


@pytest.mark.parametrize("plane", PLANES)
def test_slices_are_upright_whatever_way_the_array_was_stored(plane: str) -> None:
    rng = np.random.default_rng(0)
    voxels = rng.random((3, 4, 5))
    steps = np.eye(3)[:, ::-1]  # slices to the head, rows to the back, columns to the left
    upright = reorientation(steps, plane).apply(voxels)
    for axes, signs in product(((0, 1, 2), (2, 0, 1), (1, 0, 2)), product((1, -1), repeat=3)):
        stored = voxels.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
        turn = reorientation(steps[:, list(axes)] * np.array(signs), plane)
        assert np.array_equal(turn.apply(stored), upright)
        assert np.array_equal(turn.undo(upright), stored)
        spacing = tuple(float(stored.shape[i]) for i in range(3))
        assert turn.spacing(spacing) == tuple(map(float, upright.shape))


def test_a_direction_has_the_letter_of_the_nearest_axis() -> None:
    letters = [direction_letter(np.array(step)) for step in ([1, 0, 0], [0, -0.8, 0.6], [0.1, 0, -1])]
    assert letters == ["L", "A", "I"]


@pytest.mark.parametrize("degrees", [0, 30, 44, 45, 46, 60, 90, 135])
@pytest.mark.parametrize("about", [0, 1, 2])
def test_slices_stay_slices_at_any_angle(degrees: int, about: int) -> None:
    """Half way between two planes the nearest order of axes would cut across the slices."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    turned = np.eye(3)
    first, second = (axis for axis in range(3) if axis != about)
    turned[[first, first, second, second], [first, second, first, second]] = cosine, -sine, sine, cosine
    for columns in ((2, 1, 0), (1, 2, 0), (0, 2, 1)):  # axial, coronal and sagittal before the turn
        turn = slice_reorientation(turned[:, columns])
        assert turn.axes[0] == 0
        assert turn.flips[0] is False
        voxels = np.arange(24).reshape(2, 3, 4)
        assert sorted(turn.apply(voxels)[1].ravel()) == sorted(voxels[1].ravel())
