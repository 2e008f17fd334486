"""Connected components are those of scipy, and an outline is the inner boundary."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tumorlens.scan.connected_components import label_components, outline


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_any_mask_has_the_same_components_as_with_scipy(share: float) -> None:
    random = np.random.default_rng(int(100 * share))
    for _ in range(40):
        mask = (random.random(random.integers(1, 25, 2)) < share).astype(np.uint8)
        labels, count = label_components(mask)
        expected, expected_count = ndimage.label(mask, np.ones((3, 3)))
        assert count == expected_count
        assert np.array_equal(labels > 0, mask > 0)
        assert len(np.unique(labels * (expected_count + 1) + expected)) == len(np.unique(expected))


def test_components_are_sorted_by_size_and_then_from_top_to_bottom() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[0, 0], mask[2:5, 5:9], mask[8, 1:3], mask[6, 1:3] = 1, 1, 1, 1
    labels, count = label_components(mask)
    assert count == 4
    assert [labels[0, 0], labels[2, 5], labels[8, 1], labels[6, 1]] == [4, 1, 3, 2]


def test_pixels_are_connected_at_corners_but_not_across_the_border() -> None:
    assert label_components(np.eye(7, dtype=np.uint8))[1] == 1
    assert label_components(np.eye(7, dtype=np.uint8)[::-1])[1] == 1
    ends = np.zeros((3, 5), np.uint8)
    ends[0, 4], ends[1, 0] = 1, 1  # neighbors in memory, at opposite ends of the image
    assert label_components(ends)[1] == 2


def test_a_long_snake_is_one_component() -> None:
    snake = np.zeros((101, 101), np.uint8)
    snake[::2], snake[1::4, -1], snake[3::4, 0] = 1, 1, 1
    assert label_components(snake)[1] == 1


def test_the_layout_in_memory_changes_no_number() -> None:
    mask = np.zeros((6, 6), np.uint8)
    mask[0, 4:], mask[4, :2] = 1, 1  # by columns the second one would come first
    labels, _ = label_components(mask)
    assert [labels[0, 4], labels[4, 0]] == [1, 2]
    assert np.array_equal(label_components(np.asfortranarray(mask))[0], labels)


def test_an_empty_mask_has_no_components() -> None:
    labels, count = label_components(np.zeros((4, 5), np.uint8))
    assert count == 0
    assert labels.shape == (4, 5)
    assert not labels.any()


def test_the_outline_is_the_inner_boundary() -> None:
    inside = np.zeros((9, 9), bool)
    inside[2:7, 2:8] = True
    expected = inside.copy()
    expected[3:6, 3:7] = False
    assert np.array_equal(outline(inside), expected)
    assert outline(np.ones((4, 4), bool)).sum() == 12
