"""Heat maps are compared with reference masks, and blank maps are counted as such."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness import score_localization
from tumorlens.explanation.faithfulness.localization import HALF, THRESHOLDS

MASK = np.zeros((8, 8), np.uint8)
MASK[2:4, 2:4] = 1


def heat(*points: tuple[int, int, float]) -> np.ndarray:
    heatmap = np.zeros((8, 8), np.float32)
    for row, column, value in points:
        heatmap[row, column] = value
    return heatmap


def test_a_map_that_equals_the_mask_gets_the_highest_scores() -> None:
    scores = score_localization(MASK.astype(np.float32) * 0.3, MASK)
    assert (scores.pointing_game, scores.relevance_mass_accuracy, scores.blank) == (1, 1, False)
    np.testing.assert_array_equal(scores.iou, 1)


def test_the_maximum_alone_decides_the_pointing_game() -> None:
    inside = heat((2, 2, 1.0), (6, 6, 0.9), (6, 7, 0.9))
    scores = score_localization(inside, MASK)
    assert scores.pointing_game == 1
    assert scores.relevance_mass_accuracy == pytest.approx(1 / 2.8)
    assert score_localization(heat((2, 2, 0.9), (6, 6, 1.0)), MASK).pointing_game == 0


def test_of_several_maxima_the_fraction_inside_counts_without_tolerance() -> None:
    assert score_localization(heat((2, 2, 1.0), (5, 5, 1.0), (6, 6, 1.0), (7, 7, 1.0)), MASK).pointing_game == 0.25
    assert score_localization(heat((1, 2, 1.0)), MASK).pointing_game == 0  # next to the tumor


def test_a_constant_map_gets_the_fraction_of_the_area() -> None:
    scores = score_localization(np.full((8, 8), 0.2, np.float32), MASK)
    assert scores.pointing_game == scores.relevance_mass_accuracy == pytest.approx(4 / 64)
    np.testing.assert_allclose(scores.iou, 4 / 64)


def test_a_blank_map_scores_zero_and_is_marked() -> None:
    scores = score_localization(np.zeros((8, 8), np.float32), MASK)
    assert (scores.pointing_game, scores.relevance_mass_accuracy, scores.blank) == (0, 0, True)
    np.testing.assert_array_equal(scores.iou, 0)
    assert not score_localization(heat((7, 7, 1.0)), MASK).blank


def test_iou_equals_that_of_each_threshold_alone() -> None:
    heatmap = np.random.default_rng(0).random((8, 8)).astype(np.float32) * 3
    for threshold, iou in zip(THRESHOLDS, score_localization(heatmap, MASK).iou, strict=True):
        above = heatmap / heatmap.max() >= threshold
        assert iou == np.logical_and(above, MASK).sum() / np.logical_or(above, MASK).sum()
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
def test_maps_and_masks_that_cannot_be_compared_are_an_error(
    heatmap: np.ndarray, mask: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        score_localization(heatmap, mask)
