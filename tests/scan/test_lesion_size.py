"""Known shapes have the measurements that geometry predicts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tumorlens.scan.lesion_size import Diameter, measure_lesions

ROWS, COLUMNS = np.mgrid[:240, :300]


def rotated_axes(angle: float, row: float = 120, column: float = 150) -> tuple[np.ndarray, np.ndarray]:
    """Distances from a center along two axes, rotated by so many degrees against the rows of the image."""
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    x, y = COLUMNS - column, ROWS - row
    return x * cosine + y * sine, y * cosine - x * sine


def angle(one: Diameter, other: Diameter, spacing: tuple[float, float] = (1, 1)) -> float:
    """Degrees between two lines in millimeters."""
    first, second = ((np.array(line.end) - line.start) * spacing for line in (one, other))
    return math.degrees(math.acos(abs(first @ second) / np.linalg.norm(first) / np.linalg.norm(second)))


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 135])
def test_the_diameters_of_an_ellipse_are_its_axes(degrees: float) -> None:
    along, across = rotated_axes(degrees)
    mask = ((along / 60) ** 2 + (across / 25) ** 2 <= 1).astype(np.uint8)
    count, lesion = measure_lesions(mask)
    assert count == 1
    assert lesion is not None
    assert lesion.diameter.pixels == pytest.approx(120, abs=1.2)
    assert lesion.perpendicular.pixels == pytest.approx(50, abs=1.2)
    assert angle(lesion.diameter, lesion.perpendicular) == pytest.approx(90, abs=1.5)
    assert lesion.centroid == pytest.approx((120, 150), abs=0.01)
    assert lesion.pixels == mask.sum() == pytest.approx(math.pi * 60 * 25, rel=0.01)


@pytest.mark.parametrize("degrees", [0, 15, 45, 70])
def test_the_diameter_of_a_rectangle_is_its_diagonal(degrees: float) -> None:
    along, across = rotated_axes(degrees)
    _, lesion = measure_lesions(((abs(along) <= 60) & (abs(across) <= 25)).astype(np.uint8))
    assert lesion is not None
    diagonal = math.hypot(120, 50)
    assert lesion.diameter.pixels == pytest.approx(diagonal, abs=2)
    assert lesion.perpendicular.pixels == pytest.approx(50 * diagonal / 120, abs=1.2)
    assert angle(lesion.diameter, lesion.perpendicular) == pytest.approx(90, abs=1.5)


def test_both_ends_of_a_diameter_are_pixels_of_the_lesion() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        along, across = rotated_axes(float(random.uniform(0, 180)), *random.uniform(80, 160, 2))
        mask = ((along / random.uniform(5, 40)) ** 2 + (across / random.uniform(5, 40)) ** 2 <= 1).astype(np.uint8)
        _, lesion = measure_lesions(mask)
        assert lesion is not None
        for line in (lesion.diameter, lesion.perpendicular):
            assert mask[line.start]
            assert mask[line.end]
            assert line.pixels == math.dist(line.start, line.end)
        pixels = np.argwhere(mask)[::7]
        assert lesion.diameter.pixels >= np.linalg.norm(pixels[:, None] - pixels, axis=2).max()
        assert lesion.perpendicular.pixels <= lesion.diameter.pixels


def test_a_single_pixel_has_diameters_of_zero() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[7, 11] = 1
    count, lesion = measure_lesions(mask, (0.5, 2.0))
    zero = Diameter((7, 11), (7, 11), 0.0, 0.0)
    assert lesion is not None
    assert (count, lesion.pixels, lesion.mm2, lesion.centroid, lesion.box) == (1, 1, 1.0, (7.0, 11.0), (7, 11, 1, 1))
    assert lesion.diameter == lesion.perpendicular == zero


@pytest.mark.parametrize("upright", [False, True])
def test_a_line_of_one_pixel_width_has_no_perpendicular_diameter(upright: bool) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[6, 4:14] = 1
    _, lesion = measure_lesions(mask.T if upright else mask)
    assert lesion is not None
    assert lesion.diameter.pixels == 9
    assert lesion.diameter.start == ((4, 6) if upright else (6, 4))
    assert lesion.perpendicular.pixels == 0


def test_all_components_are_counted_and_the_largest_is_measured() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[5:15, 5:15] = 1
    mask[30:50, 40:71] = 1
    count, lesion = measure_lesions(mask)
    assert lesion is not None
    assert (count, lesion.pixels, lesion.box) == (2, 620, (30, 40, 20, 31))
    assert lesion.centroid == (39.5, 55.0)
    assert lesion.diameter.pixels == pytest.approx(math.hypot(19, 30))


def test_the_longest_diameter_is_longest_in_millimeters() -> None:
    along, across = rotated_axes(0)
    mask = ((along / 50) ** 2 + (across / 30) ** 2 <= 1).astype(np.uint8)
    _, plain = measure_lesions(mask)
    _, lesion = measure_lesions(mask, (3.0, 1.0))
    assert plain is not None
    assert lesion is not None
    assert plain.diameter.mm is None
    assert plain.mm2 is None
    assert plain.diameter.start[0] == plain.diameter.end[0]  # along the row
    assert lesion.diameter.start[1] == lesion.diameter.end[1]  # along the column
    assert lesion.diameter.mm == pytest.approx(180)
    assert lesion.diameter.pixels == pytest.approx(60)
    assert lesion.perpendicular.mm == pytest.approx(100, abs=1)
    assert lesion.mm2 == lesion.pixels * 3.0


def test_a_rotated_ellipse_has_its_axes_also_with_anisotropic_spacing() -> None:
    spacing = (0.5, 1.25)
    down, across = (ROWS - 120) * spacing[0], (COLUMNS - 150) * spacing[1]
    sine, cosine = math.sin(0.6), math.cos(0.6)
    inside = ((across * cosine + down * sine) / 40) ** 2 + ((down * cosine - across * sine) / 20) ** 2 <= 1
    _, lesion = measure_lesions(inside.astype(np.uint8), spacing)
    assert lesion is not None
    assert lesion.diameter.mm == pytest.approx(80, abs=1.5)
    assert lesion.perpendicular.mm == pytest.approx(40, abs=1.5)
    assert angle(lesion.diameter, lesion.perpendicular, spacing) == pytest.approx(90, abs=2)


@pytest.mark.parametrize(
    ("orientation", "location", "side"),
    [
        ("PL", (100, 30), "right"),  # axial in radiological convention: the patient's right is on the left
        ("PL", (100, 250), "left"),
        ("PR", (100, 30), "left"),
        ("SPL", (100, 250), "left"),
        ("LP", (20, 150), "right"),  # rotated by 90°
        ("RP", (20, 150), "left"),
        ("PL", (100, 149), "midline"),
        ("IP", (100, 30), None),  # sagittal: no axis runs from left to right
        (None, (100, 30), None),
    ],
)
def test_the_side_is_that_of_the_patient(orientation: str | None, location: tuple[int, int], side: str | None) -> None:
    mask = np.zeros(ROWS.shape, np.uint8)
    mask[location[0] : location[0] + 3, location[1] : location[1] + 3] = 1
    _, lesion = measure_lesions(mask, orientation=orientation)
    assert lesion is not None
    assert lesion.side == side


def test_an_empty_mask_has_no_measurements() -> None:
    assert measure_lesions(np.zeros((9, 9), np.uint8), (1.0, 1.0), "PL") == (0, None)
