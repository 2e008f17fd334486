"""A map that knows what the network looks at brings the answer back sooner, and takes it away sooner."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.corner_network import corner_network
from tumorlens.explanation.faithfulness.deletion_insertion import STEPS, curves, scene

IMAGE = (np.indices((64, 64)) // 8).sum(0).astype(np.uint8) % 2 * np.uint8(200)  # a board of squares, 8 x 8 each


def corner(row: int, column: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    heatmap = np.zeros(shape, np.float32)
    heatmap[row : row + 32, column : column + 32] = 1
    return heatmap


def test_the_right_corner_beats_the_wrong_one_both_ways() -> None:
    pipeline = corner_network()
    here = scene(pipeline, IMAGE, 1)
    right, wrong = (curves(pipeline, here, corner(at, at)) for at in (0, 32))
    assert right.areas[0] > wrong.areas[0] + 0.1
    assert right.areas[1] < wrong.areas[1] - 0.1


def test_both_curves_run_between_the_whole_and_the_blurred_image() -> None:
    pipeline = corner_network()
    here = scene(pipeline, IMAGE, 1)
    found = curves(pipeline, here, corner(0, 0))
    assert here.probability > 0.8 > 0.5 > here.hidden
    assert found.insertion[0] == found.deletion[-1] == here.hidden
    assert found.insertion[-1] == found.deletion[0] == here.probability
    assert found.insertion.shape == found.deletion.shape == (STEPS + 1,)
    assert found.areas[0] == pytest.approx(np.mean((found.insertion[1:] + found.insertion[:-1]) / 2))
    quarter = STEPS // 4  # by then the corner is all that has come, or gone
    assert found.insertion[quarter] == pytest.approx(here.probability, abs=0.03)
    assert found.deletion[quarter] == pytest.approx(here.hidden, abs=0.03)


def test_the_probability_is_the_calibrated_one() -> None:
    cold, warm = corner_network(), corner_network()
    warm.temperature.fill_(4.0)
    assert 0.5 < scene(warm, IMAGE, 1).probability < scene(cold, IMAGE, 1).probability


def test_bars_beside_a_image_are_no_pixels_of_it() -> None:
    pipeline, flat = corner_network(), IMAGE[:32]  # laid on a square with bars above and below
    here = scene(pipeline, flat, 1)
    assert int(here.shown.sum()) == 16 * 32
    found = curves(pipeline, here, corner(0, 0, flat.shape))
    assert found.insertion[-1] == here.probability


def test_a_map_that_says_nothing_is_followed_in_an_order_set_by_the_seed() -> None:
    pipeline = corner_network()
    here, blank = scene(pipeline, IMAGE, 1), np.zeros((64, 64), np.float32)
    one, again, other = (curves(pipeline, here, blank, seed) for seed in (1, 1, 5))
    np.testing.assert_array_equal(one.insertion, again.insertion)
    assert not np.array_equal(one.insertion, other.insertion)
