"""Connected parts are told apart as scipy tells them, and an outline is closed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tumorlens.scan.connected_components import label_components, outline


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_any_mask_falls_into_the_same_parts_as_with_scipy(share: float) -> None:
    random = np.random.default_rng(int(100 * share))
    for _ in range(40):
        mask = (random.random(random.integers(1, 25, 2)) < share).astype(np.uint8)
        found, count = label_components(mask)
        expected, expected_count = ndimage.label(mask, np.ones((3, 3)))
        assert count == expected_count
        assert np.array_equal(found > 0, mask > 0)
        assert len(np.unique(found * (expected_count + 1) + expected)) == len(np.unique(expected))


def test_the_largest_comes_first_and_of_equal_ones_the_upper() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[0, 0], mask[2:5, 5:9], mask[8, 1:3], mask[6, 1:3] = 1, 1, 1, 1
    found, count = label_components(mask)
    assert count == 4
    assert [found[0, 0], found[2, 5], found[8, 1], found[6, 1]] == [4, 1, 3, 2]


def test_pixels_that_meet_at_a_corner_belong_together_but_not_across_the_frame() -> None:
    assert label_components(np.eye(7, dtype=np.uint8))[1] == 1
    assert label_components(np.eye(7, dtype=np.uint8)[::-1])[1] == 1
    ends = np.zeros((3, 5), np.uint8)
    ends[0, 4], ends[1, 0] = 1, 1  # neighbors in memory, at opposite ends of the image
    assert label_components(ends)[1] == 2


def test_a_long_snake_is_one() -> None:
    snake = np.zeros((101, 101), np.uint8)
    snake[::2], snake[1::4, -1], snake[3::4, 0] = 1, 1, 1
    assert label_components(snake)[1] == 1


def test_nothing_has_no_parts() -> None:
    found, count = label_components(np.zeros((4, 5), np.uint8))
    assert count == 0
    assert found.shape == (4, 5)
    assert not found.any()


def test_the_outline_is_the_inner_rim() -> None:
    inside = np.zeros((9, 9), bool)
    inside[2:7, 2:8] = True
    expected = inside.copy()
    expected[3:6, 3:7] = False
    assert np.array_equal(outline(inside), expected)
    assert outline(np.ones((4, 4), bool)).sum() == 12
