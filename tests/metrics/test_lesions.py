"""A tumor is hit by what overlaps it enough, once, however many pieces it was drawn in."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.metrics.lesions import Lesions, match_lesions


def image(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask of 40 x 40 pixels with boxes from (row, column) to (row, column)."""
    mask = np.zeros((40, 40), np.uint8)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 1
    return mask


TWO = image((0, 0, 10, 10), (20, 20, 30, 30))


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (TWO, Lesions(2, 2, 0)),
        (image(), Lesions(2, 0, 0)),
        (image((0, 0, 10, 10), (35, 0, 38, 3)), Lesions(2, 1, 1)),
        (image((0, 0, 4, 10), (6, 0, 10, 10)), Lesions(2, 1, 0)),  # one tumor in two pieces
        (image((0, 0, 30, 30)), Lesions(2, 2, 0)),  # one drawing over both: 100 of 900 pixels each
        (image((0, 0, 40, 40)), Lesions(2, 0, 1)),  # 100 of 1600 pixels: the image is no tumor
        (image((9, 9, 12, 12)), Lesions(2, 0, 1)),  # one common pixel is no hit
    ],
)
def test_parts_are_matched(drawn: np.ndarray, expected: Lesions) -> None:
    assert match_lesions(drawn, TWO) == expected


def test_pixels_that_meet_at_a_corner_are_one_part() -> None:
    chain = np.eye(40, dtype=np.uint8)
    assert match_lesions(chain, chain) == Lesions(1, 1, 0)


def test_without_a_tumor_every_part_is_drawn_for_nothing() -> None:
    assert match_lesions(TWO, image()) == Lesions(0, 0, 2)
    assert match_lesions(image(), image()) == Lesions(0, 0, 0)


def test_ten_per_cent_of_the_union_is_just_enough() -> None:
    true = image((0, 0, 10, 10))
    assert match_lesions(image((0, 0, 1, 10)), true).hit == 1
    assert match_lesions(image((0, 0, 1, 9)), true).hit == 0
