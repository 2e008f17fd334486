"""A heat map is the positive activation, from 0 to 1, at the size of the image."""

from __future__ import annotations

import numpy as np

from tumorlens.report.heat import heat
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
