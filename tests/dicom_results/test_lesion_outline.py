"""The outline encloses the pixels of a finding, and its axes are where they are in the image as it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.fixtures.hard_case import save, volume
from tests.fixtures.hard_dicom import CASES
from tests.fixtures.known_results import chosen, known_result, lesion
from tumorlens.dicom_results.lesion_outline import lesion_outline, outline_polygon


def area(polygon: npt.NDArray[np.float64]) -> float:
    """By the shoelace formula."""
    x, y = polygon.T
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


def filled(polygon: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels whose center is inside, by another library."""
    from matplotlib.path import Path as Polygon

    rows, columns = np.indices(shape)
    centers = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
    return np.asarray(Polygon(polygon).contains_points(centers)).reshape(shape)


SHAPES = {
    "one pixel": ["....", ".#..", "...."],
    "an L": ["#...", "#...", "####"],
    "touching by a corner": ["#...", ".#..", "..##"],
    "at all borders": ["####", "####", "####"],
    "a bay": ["####", "#..#", "#.##"],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_polygon_encloses_exactly_the_pixels(name: str) -> None:
    inside = np.array([[letter == "#" for letter in row] for row in SHAPES[name]])
    polygon = outline_polygon(inside)
    assert polygon[0].tolist() == polygon[-1].tolist()
    assert area(polygon) == inside.sum()
    assert np.array_equal(filled(polygon, inside.shape), inside)


def test_a_hole_is_enclosed_and_corners_are_few() -> None:
    ring = np.ones((5, 7), bool)
    ring[2, 2:5] = False
    assert outline_polygon(ring).tolist() == [[0, 0], [7, 0], [7, 5], [0, 5], [0, 0]]


@pytest.mark.parametrize("name", ["plain", "oblique", "row_cosines_negated", "column_cosines_negated"])
def test_outline_and_axes_are_in_the_stored_pixels_of_the_finding(name: str, tmp_path: Path) -> None:
    read, choice = chosen(CASES[name].write(tmp_path))
    assert_outline_and_axes(known_result(read, lesion(read.size), choice))


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_outline_and_axes_are_right_in_other_planes_too(plane: str, tmp_path: Path) -> None:
    from tests.fixtures.hard_case import images

    read, choice = chosen(save(images(volume(plane=plane)), tmp_path))
    assert_outline_and_axes(known_result(read, lesion(read.size), choice))


def assert_outline_and_axes(result: object) -> None:
    from tumorlens.studies.study_result import StudyResult

    assert isinstance(result, StudyResult)
    spacing = result.volume.spacing
    assert spacing is not None
    for finding in result.findings:
        outline = lesion_outline(result, finding)
        inside = result.labels[outline.slice_index] == finding.number
        assert np.array_equal(filled(outline.polygon, inside.shape), inside)
        assert outline.mm2 == pytest.approx(inside.sum() * spacing[1] * spacing[2])
        for ends, expected in (
            (outline.long_axis, finding.long_axis_mm),
            (outline.short_axis, finding.short_axis_mm),
        ):
            columns, rows = np.floor(ends).astype(int).T
            assert inside[rows, columns].all()
            across, down = np.diff(ends, axis=0)[0]
            assert np.hypot(down * spacing[1], across * spacing[2]) == pytest.approx(expected)
