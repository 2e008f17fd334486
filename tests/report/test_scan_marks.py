"""A slice carries its scale, plane and sides where they are known, and nothing where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tumorlens.report.scan_marks import bar_length, plane_of, with_scan_marks

GRAY = Image.new("RGB", (256, 256), (60, 60, 60))


def white(image: Image.Image) -> np.ndarray:
    """The pixels of the marks."""
    return np.asarray(image).min(axis=2) > 250


def test_nothing_known_changes_nothing() -> None:
    assert with_scan_marks(GRAY) is GRAY
    small = Image.new("L", (64, 64))
    assert with_scan_marks(small, (1.0, 1.0), "PL") is small


@pytest.mark.parametrize(("mm", "length"), [(0.5, 20), (1.0, 50), (0.1, 5), (3.0, 100), (200.0, None)])
def test_the_bar_is_as_long_as_its_label_says(mm: float, length: int | None) -> None:
    assert bar_length(256, mm) == length
    rows = white(with_scan_marks(GRAY, (1.0, mm)))[-12:]
    longest = max(rows.sum(axis=1))
    assert longest == (0 if length is None else pytest.approx(length / mm, abs=1))


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [("PL", "axial"), ("SPL", "axial"), ("AR", "axial"), ("IL", "coronal"), ("SR", "coronal"), ("IP", "sagittal")],
)
def test_the_plane_follows_from_the_directions_of_rows_and_columns(orientation: str, plane: str) -> None:
    assert plane_of(orientation) == plane


@pytest.mark.parametrize("orientation", [None, "", "L", "LL", "??"])
def test_an_unknown_plane_is_left_out(orientation: str | None) -> None:
    assert plane_of(orientation) is None


def test_sides_stand_at_the_edges_where_columns_run_from_side_to_side() -> None:
    middle = slice(110, 146)
    axial = white(with_scan_marks(GRAY, None, "PL"))[middle]
    assert axial[:, :40].any()
    assert axial[:, -40:].any()
    other = white(with_scan_marks(GRAY, None, "PR"))[middle]
    assert (axial[:, :40] == other[:, :40]).mean() < 1  # R and L change places
    sagittal = white(with_scan_marks(GRAY, None, "IP"))[middle]
    assert not sagittal.any()
