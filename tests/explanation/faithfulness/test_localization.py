"""What is hot is compared with what is tumor, and maps that show nothing are counted as such."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness import fit
from tumorlens.explanation.faithfulness.localization import HALF, THRESHOLDS

MASK = np.zeros((8, 8), np.uint8)
MASK[2:4, 2:4] = 1


def heat(*places: tuple[int, int, float]) -> np.ndarray:
    heatmap = np.zeros((8, 8), np.float32)
    for row, column, value in places:
        heatmap[row, column] = value
    return heatmap


def test_a_map_that_is_the_mask_gets_the_most_of_everything() -> None:
    found = fit(MASK.astype(np.float32) * 0.3, MASK)
    assert (found.pointing, found.energy, found.blank) == (1, 1, False)
    np.testing.assert_array_equal(found.iou, 1)


def test_the_hottest_pixel_decides_the_pointing_game_however_little_heat_it_has() -> None:
    inside = heat((2, 2, 1.0), (6, 6, 0.9), (6, 7, 0.9))
    found = fit(inside, MASK)
    assert found.pointing == 1
    assert found.energy == pytest.approx(1 / 2.8)
    assert fit(heat((2, 2, 0.9), (6, 6, 1.0)), MASK).pointing == 0


def test_of_equally_hot_pixels_the_share_inside_counts_and_no_tolerance_is_given() -> None:
    assert fit(heat((2, 2, 1.0), (5, 5, 1.0), (6, 6, 1.0), (7, 7, 1.0)), MASK).pointing == 0.25
    assert fit(heat((1, 2, 1.0)), MASK).pointing == 0  # right beside the tumor


def test_an_even_map_gets_the_share_of_the_area() -> None:
    found = fit(np.full((8, 8), 0.2, np.float32), MASK)
    assert found.pointing == found.energy == pytest.approx(4 / 64)
    np.testing.assert_allclose(found.iou, 4 / 64)


def test_a_blank_map_counts_as_nought_and_is_told_from_a_bad_one() -> None:
    found = fit(np.zeros((8, 8), np.float32), MASK)
    assert (found.pointing, found.energy, found.blank) == (0, 0, True)
    np.testing.assert_array_equal(found.iou, 0)
    assert not fit(heat((7, 7, 1.0)), MASK).blank


def test_overlaps_are_those_of_each_threshold_taken_by_itself() -> None:
    heatmap = np.random.default_rng(0).random((8, 8)).astype(np.float32) * 3
    for threshold, overlap in zip(THRESHOLDS, fit(heatmap, MASK).iou, strict=True):
        hot = heatmap / heatmap.max() >= threshold
        assert overlap == np.logical_and(hot, MASK).sum() / np.logical_or(hot, MASK).sum()
    assert THRESHOLDS[HALF] == 0.5


@pytest.mark.parametrize(
    ("heatmap", "mask", "message"),
    [
        (np.ones((4, 4)), MASK, r"\(4, 4\) for a mask of \(8, 8\)"),
        (-np.ones((8, 8)), MASK, "negative or undefined"),
        (np.full((8, 8), np.nan), MASK, "negative or undefined"),
        (np.ones((8, 8)), MASK * 0, "mask is empty"),
    ],
)
def test_what_cannot_be_compared_is_refused(heatmap: np.ndarray, mask: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(heatmap, mask)
