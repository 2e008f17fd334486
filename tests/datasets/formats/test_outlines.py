"""Rasterized shapes cover the pixels whose centers lie inside."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.scans import HEIGHT, MASK, WIDTH
from tumorlens.datasets.formats.outlines import (
    Ellipse,
    Polygon,
    RunLengths,
    Shape,
    box_polygon,
    decode_run_lengths,
    rasterize,
)

SIZE = (HEIGHT, WIDTH)
RUN_LENGTHS = (484, *(8, 16) * 8, 8, 84)  # of scans.MASK, down its columns


def pixels(*shapes: Shape) -> list[tuple[int, int]]:
    """(x, y) of every pixel in the mask."""
    rows, columns = np.nonzero(rasterize(shapes, SIZE))
    return sorted(zip(columns.tolist(), rows.tolist(), strict=True))


def test_a_box_with_integer_corners_covers_exactly_its_pixels() -> None:
    np.testing.assert_array_equal(rasterize([box_polygon(20, 4, 9, 8)], SIZE), MASK)
    assert pixels(box_polygon(3, 2, 1, 1)) == [(3, 2)]


def test_a_pixel_is_inside_if_its_center_is() -> None:
    assert pixels(box_polygon(3.4, 2.4, 1.2, 1.2)) == [(3, 2), (3, 3), (4, 2), (4, 3)]
    assert pixels(box_polygon(3.6, 2.6, 0.8, 0.8)) == []
    assert pixels(box_polygon(3.5, 2.5, 1, 1)) == [(3, 2)]  # the left and the upper edge belong to it, the others not


def test_adjacent_shapes_share_no_pixel_and_leave_no_gap() -> None:
    left, right = Polygon(((0, 0), (17.3, 0), (9.1, 24), (0, 24))), Polygon(((17.3, 0), (32, 0), (32, 24), (9.1, 24)))
    one, other = rasterize([left], SIZE), rasterize([right], SIZE)
    assert (one + other == 1).all()


def test_overlapping_shapes_are_merged() -> None:
    assert pixels(box_polygon(1, 1, 2, 1), box_polygon(2, 1, 2, 1)) == [(1, 1), (2, 1), (3, 1)]


def test_an_outline_that_crosses_itself_follows_the_even_odd_rule() -> None:
    outer, inner = [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0)], [(2, 2), (4, 2), (4, 4), (2, 4), (2, 2)]
    assert len(pixels(Polygon((*outer, *inner)))) == 36 - 4


def test_shapes_are_clipped_at_the_border_of_the_image() -> None:
    assert rasterize([box_polygon(-5, -5, 100, 100)], SIZE).all()
    assert pixels(box_polygon(-5, -5, 6, 6)) == [(0, 0)]
    assert pixels(box_polygon(40, 4, 5, 5), Ellipse((-9, 3), (4, 4))) == []


@pytest.mark.parametrize("corners", [(), ((3, 3),), ((3, 3), (9, 9))])
def test_fewer_than_three_corners_cover_nothing(corners: tuple[tuple[float, float], ...]) -> None:
    assert pixels(Polygon(corners)) == []
    assert Polygon(corners).area == 0


def test_a_circle_is_round_and_an_ellipse_is_rotated_clockwise() -> None:
    circle = rasterize([Ellipse((16, 12), (8, 8))], SIZE)
    assert circle.sum() == pytest.approx(np.pi * 64, rel=0.05)
    np.testing.assert_array_equal(circle, circle[::-1, ::-1])
    flat = Ellipse((16, 12), (10, 3))
    assert rasterize([flat], SIZE).any(axis=0).sum() == 20
    steep = rasterize([Ellipse((16, 12), (10, 3), np.pi / 2)], SIZE)
    assert steep.any(axis=1).sum() == 20
    down = rasterize([Ellipse((16, 12), (10, 3), np.pi / 4)], SIZE)  # its far end lies right of and below the center
    assert down[17, 21]
    assert not down[6, 21]
    assert pixels(Ellipse((16, 12), (0, 3))) == []


def test_run_lengths_go_down_the_columns() -> None:
    np.testing.assert_array_equal(rasterize([RunLengths(SIZE, RUN_LENGTHS)], SIZE), MASK)
    assert RunLengths(SIZE, RUN_LENGTHS).area == MASK.sum()
    assert pixels(RunLengths(SIZE, (1, 2))) == [(0, 1), (0, 2)]  # the rest is background


def test_run_lengths_of_another_image_are_refused() -> None:
    with pytest.raises(ValueError, match=r"run lengths for 24 x 32 pixels"):
        rasterize([RunLengths((WIDTH, HEIGHT), RUN_LENGTHS)], SIZE)


def test_compressed_run_lengths_are_read_as_the_coco_api_writes_them() -> None:
    more = MASK.copy()
    more[3, 3] = 1
    more[20:, 31] = 1
    for text, mask in (("T?8`0000000000000000T2", MASK), ("[21h<7hC000000000000000P2L", more)):
        np.testing.assert_array_equal(rasterize([RunLengths(SIZE, decode_run_lengths(text))], SIZE), mask)
    assert decode_run_lengths("T?8`0000000000000000T2") == RUN_LENGTHS
    assert decode_run_lengths("") == ()


@pytest.mark.parametrize("text", ["0 3", "0\x7f", "0ä", "0P"])
def test_invalid_compressed_run_lengths_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"run lengths"):
        decode_run_lengths(text)
