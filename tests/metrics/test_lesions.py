"""A lesion is detected by what overlaps it enough, once, in however many pieces it is predicted."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.metrics.lesions import LesionCounts, match_lesions


def image(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask of 40 x 40 pixels with boxes from (row, column) to (row, column)."""
    mask = np.zeros((40, 40), np.uint8)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 1
    return mask


TWO = image((0, 0, 10, 10), (20, 20, 30, 30))


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (TWO, LesionCounts(2, 2, 0)),
        (image(), LesionCounts(2, 0, 0)),
        (image((0, 0, 10, 10), (35, 0, 38, 3)), LesionCounts(2, 1, 1)),
        (image((0, 0, 4, 10), (6, 0, 10, 10)), LesionCounts(2, 1, 0)),  # one tumor in two pieces
        (image((0, 0, 30, 30)), LesionCounts(2, 2, 0)),  # one prediction over both: 100 of 900 pixels each
        (image((0, 0, 40, 40)), LesionCounts(2, 0, 1)),  # 100 of 1600 pixels: the image is no tumor
        (image((9, 9, 12, 12)), LesionCounts(2, 0, 1)),  # one common pixel does not detect
    ],
)
def test_connected_components_are_matched(predicted: np.ndarray, expected: LesionCounts) -> None:
    assert match_lesions(predicted, TWO) == expected


def test_pixels_that_meet_at_a_corner_are_one_component() -> None:
    chain = np.eye(40, dtype=np.uint8)
    assert match_lesions(chain, chain) == LesionCounts(1, 1, 0)


def test_without_a_tumor_every_component_is_a_false_positive() -> None:
    assert match_lesions(TWO, image()) == LesionCounts(0, 0, 2)
    assert match_lesions(image(), image()) == LesionCounts(0, 0, 0)


def test_ten_percent_of_the_union_is_just_enough() -> None:
    reference = image((0, 0, 10, 10))
    assert match_lesions(image((0, 0, 1, 10)), reference).detected == 1
    assert match_lesions(image((0, 0, 1, 9)), reference).detected == 0
