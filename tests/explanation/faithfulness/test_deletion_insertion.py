"""A faithful map makes the probability rise sooner in insertion, and fall sooner in deletion."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures.corner_network import corner_network
from tumorlens.explanation.faithfulness.deletion_insertion import STEPS, perturbation_curves, to_network_input

IMAGE = (
    (np.indices((64, 64)) // 8).sum(0).astype(np.uint8) % 2 * np.uint8(200)
)  # a checkerboard of squares of 8 x 8 pixels


def corner(row: int, column: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    heatmap = np.zeros(shape, np.float32)
    heatmap[row : row + 32, column : column + 32] = 1
    return heatmap


def test_the_explained_corner_is_better_in_insertion_and_deletion() -> None:
    pipeline = corner_network()
    network_input = to_network_input(pipeline, IMAGE, 1)
    right, wrong = (perturbation_curves(pipeline, network_input, corner(at, at)) for at in (0, 32))
    assert right.areas[0] > wrong.areas[0] + 0.1
    assert right.areas[1] < wrong.areas[1] - 0.1


def test_both_curves_run_between_the_sharp_and_the_blurred_image() -> None:
    pipeline = corner_network()
    network_input = to_network_input(pipeline, IMAGE, 1)
    curves = perturbation_curves(pipeline, network_input, corner(0, 0))
    assert network_input.probability > 0.8 > 0.5 > network_input.blurred_probability
    assert curves.insertion[0] == curves.deletion[-1] == network_input.blurred_probability
    assert curves.insertion[-1] == curves.deletion[0] == network_input.probability
    assert curves.insertion.shape == curves.deletion.shape == (STEPS + 1,)
    assert curves.areas[0] == pytest.approx(np.mean((curves.insertion[1:] + curves.insertion[:-1]) / 2))
    quarter = STEPS // 4  # by then exactly the corner is inserted, or deleted
    assert curves.insertion[quarter] == pytest.approx(network_input.probability, abs=0.03)
    assert curves.deletion[quarter] == pytest.approx(network_input.blurred_probability, abs=0.03)


def test_the_probability_is_calibrated() -> None:
    cold, warm = corner_network(), corner_network()
    warm.temperature.fill_(4.0)
    assert 0.5 < to_network_input(warm, IMAGE, 1).probability < to_network_input(cold, IMAGE, 1).probability


def test_padding_does_not_count_as_pixels_of_the_image() -> None:
    pipeline, flat = corner_network(), IMAGE[:32]  # padded above and below
    network_input = to_network_input(pipeline, flat, 1)
    assert int(network_input.inside.sum()) == 16 * 32
    curves = perturbation_curves(pipeline, network_input, corner(0, 0, flat.shape))
    assert curves.insertion[-1] == network_input.probability


def test_for_a_constant_map_the_seed_sets_the_order() -> None:
    pipeline = corner_network()
    network_input, blank = to_network_input(pipeline, IMAGE, 1), np.zeros((64, 64), np.float32)
    one, again, other = (perturbation_curves(pipeline, network_input, blank, seed) for seed in (1, 1, 5))
    np.testing.assert_array_equal(one.insertion, again.insertion)
    assert not np.array_equal(one.insertion, other.insertion)
