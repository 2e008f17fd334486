"""Known shapes have the measures that geometry gives them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tumorlens.scan.lesion_size import Diameter, measure_lesions

ROWS, COLUMNS = np.mgrid[:240, :300]


def turned(angle: float, row: float = 120, column: float = 150) -> tuple[np.ndarray, np.ndarray]:
    """Distances from a center along two axes, the first turned by so many degrees from the rows of the image."""
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    across, down = COLUMNS - column, ROWS - row
    return across * cosine + down * sine, down * cosine - across * sine


def angle(one: Diameter, other: Diameter, spacing: tuple[float, float] = (1, 1)) -> float:
    """Degrees between two lines in millimeters."""
    first, second = ((np.array(line.end) - line.start) * spacing for line in (one, other))
    return math.degrees(math.acos(abs(first @ second) / np.linalg.norm(first) / np.linalg.norm(second)))


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 135])
def test_an_ellipse_has_its_two_axes(degrees: float) -> None:
    along, beside = turned(degrees)
    mask = ((along / 60) ** 2 + (beside / 25) ** 2 <= 1).astype(np.uint8)
    count, lesion = measure_lesions(mask)
    assert count == 1
    assert lesion is not None
    assert lesion.diameter.pixels == pytest.approx(120, abs=1.2)
    assert lesion.perpendicular.pixels == pytest.approx(50, abs=1.2)
    assert angle(lesion.diameter, lesion.perpendicular) == pytest.approx(90, abs=1.5)
    assert lesion.centroid == pytest.approx((120, 150), abs=0.01)
    assert lesion.pixels == mask.sum() == pytest.approx(math.pi * 60 * 25, rel=0.01)


@pytest.mark.parametrize("degrees", [0, 15, 45, 70])
def test_a_rectangle_has_its_diagonal_and_what_crosses_it(degrees: float) -> None:
    along, beside = turned(degrees)
    _, lesion = measure_lesions(((abs(along) <= 60) & (abs(beside) <= 25)).astype(np.uint8))
    assert lesion is not None
    diagonal = math.hypot(120, 50)
    assert lesion.diameter.pixels == pytest.approx(diagonal, abs=2)
    assert lesion.perpendicular.pixels == pytest.approx(50 * diagonal / 120, abs=1.2)
    assert angle(lesion.diameter, lesion.perpendicular) == pytest.approx(90, abs=1.5)


def test_both_ends_of_a_diameter_are_pixels_of_the_lesion() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        along, beside = turned(float(random.uniform(0, 180)), *random.uniform(80, 160, 2))
        mask = ((along / random.uniform(5, 40)) ** 2 + (beside / random.uniform(5, 40)) ** 2 <= 1).astype(np.uint8)
        _, lesion = measure_lesions(mask)
        assert lesion is not None
        for line in (lesion.diameter, lesion.perpendicular):
            assert mask[line.start]
            assert mask[line.end]
            assert line.pixels == math.dist(line.start, line.end)
        places = np.argwhere(mask)[::7]
        assert lesion.diameter.pixels >= np.linalg.norm(places[:, None] - places, axis=2).max()
        assert lesion.perpendicular.pixels <= lesion.diameter.pixels


def test_a_single_pixel_has_no_extent() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[7, 11] = 1
    count, lesion = measure_lesions(mask, (0.5, 2.0))
    nothing = Diameter((7, 11), (7, 11), 0.0, 0.0)
    assert lesion is not None
    assert (count, lesion.pixels, lesion.mm2, lesion.centroid, lesion.box) == (1, 1, 1.0, (7.0, 11.0), (7, 11, 1, 1))
    assert lesion.diameter == lesion.perpendicular == nothing


@pytest.mark.parametrize("upright", [False, True])
def test_a_line_one_pixel_wide_has_a_length_and_no_width(upright: bool) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[6, 4:14] = 1
    _, lesion = measure_lesions(mask.T if upright else mask)
    assert lesion is not None
    assert lesion.diameter.pixels == 9
    assert lesion.diameter.start == ((4, 6) if upright else (6, 4))
    assert lesion.perpendicular.pixels == 0


def test_of_two_the_larger_is_measured_and_both_are_counted() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[5:15, 5:15] = 1
    mask[30:50, 40:71] = 1
    count, lesion = measure_lesions(mask)
    assert lesion is not None
    assert (count, lesion.pixels, lesion.box) == (2, 620, (30, 40, 20, 31))
    assert lesion.centroid == (39.5, 55.0)
    assert lesion.diameter.pixels == pytest.approx(math.hypot(19, 30))


def test_millimeters_decide_which_line_is_the_longest() -> None:
    along, beside = turned(0)
    mask = ((along / 50) ** 2 + (beside / 30) ** 2 <= 1).astype(np.uint8)
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


def test_a_turned_ellipse_keeps_its_axes_where_pixels_are_not_square() -> None:
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
    ("orientation", "place", "side"),
    [
        ("PL", (100, 30), "right"),  # an axial slice as radiologists see it: the patient's right is on the left
        ("PL", (100, 250), "left"),
        ("PR", (100, 30), "left"),
        ("SPL", (100, 250), "left"),
        ("LP", (20, 150), "right"),  # turned by a quarter
        ("RP", (20, 150), "left"),
        ("PL", (100, 149), "midline"),
        ("IP", (100, 30), None),  # sagittal: no axis goes from side to side
        (None, (100, 30), None),
    ],
)
def test_the_side_is_the_patients(orientation: str | None, place: tuple[int, int], side: str | None) -> None:
    mask = np.zeros(ROWS.shape, np.uint8)
    mask[place[0] : place[0] + 3, place[1] : place[1] + 3] = 1
    _, lesion = measure_lesions(mask, orientation=orientation)
    assert lesion is not None
    assert lesion.side == side


def test_nothing_has_no_measures() -> None:
    assert measure_lesions(np.zeros((9, 9), np.uint8), (1.0, 1.0), "PL") == (0, None)
