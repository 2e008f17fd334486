"""A heat map is the positive activation, from 0 to 1, at the size of the image."""

from __future__ import annotations

import numpy as np

from tumorlens.report import Note, find_blocks
from tumorlens.report.heat import beside_head_note, beside_head_text, heat, share_beside_head
from tumorlens.scan import InputGeometry


def test_the_largest_activation_is_one_and_negative_activation_is_zero() -> None:
    activation = np.array([[4.0, -1.0], [0.0, 2.0]])
    shown = heat(activation, InputGeometry(2, "resize").crop_window(2, 2))
    assert shown.tolist() == [[1.0, 0.0], [0.0, 0.5]]
    assert shown.dtype == np.float32


def test_without_positive_activation_the_map_is_zero() -> None:
    assert not heat(np.full((3, 3), -2.0), InputGeometry(32).crop_window(10, 20)).any()


def test_a_high_value_in_a_corner_of_the_input_is_in_the_same_corner_of_the_image() -> None:
    activation = np.zeros((4, 4))
    activation[1, 3] = 1  # right edge, upper half of the image
    shown = heat(activation, InputGeometry(64, "letterbox").crop_window(50, 100))
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    assert shown.shape == (50, 100)
    assert row < 25
    assert column > 80


def head_with_map(inside: float, beside: float) -> tuple[np.ndarray, np.ndarray]:
    """A bright disk on black, and a map with one value in its middle and one in the corner of the image."""
    rows, columns = np.indices((128, 128))
    gray = np.where((rows - 64) ** 2 + (columns - 64) ** 2 < 40**2, 150, 0).astype(np.uint8)
    heatmap = np.zeros((128, 128))
    heatmap[64, 64], heatmap[3, 3] = inside, beside
    return gray, heatmap


def test_the_share_of_a_map_beside_the_head_is_measured() -> None:
    assert share_beside_head(*head_with_map(3.0, 1.0)) == 0.25
    assert share_beside_head(*head_with_map(1.0, 0.0)) == 0.0
    assert share_beside_head(*head_with_map(np.nan, 2.0)) == 1.0
    assert share_beside_head(*head_with_map(0.0, 0.0)) is None


def test_an_image_without_background_is_all_head() -> None:
    _, heatmap = head_with_map(1.0, 1.0)
    assert share_beside_head(np.full((128, 128), 90, np.uint8), heatmap) == 0.0


def test_a_caveat_counts_the_maps_that_glow_beside_the_head() -> None:
    (block,) = find_blocks(beside_head_note([0.05, None, 0.2, 0.62]), Note)
    assert block.kind == "warning"
    assert "In 2 of 3 maps shown here more than 10 % of the map lies beside the head (at most 62 %)" in block.text
    assert beside_head_note([0.1, None]) == ()
    assert beside_head_text(0.336) == "34 % of the map lies beside the head"
