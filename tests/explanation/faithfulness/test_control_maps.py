"""Controls know the image or not even that, and nothing of any network."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness.control_maps import CONTROLS

IMAGE = np.zeros((60, 80), np.uint8)
IMAGE[10:50, 20:60] = 90
IMAGE[40:48, 50:58] = 250
HEAD = (10, 20, 40, 40)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_a_map_at_the_size_of_the_image(name: str) -> None:
    drawn = CONTROLS[name].draw(IMAGE, HEAD, 3)
    assert drawn.shape == (60, 80)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() < drawn.max() <= 1


def test_the_center_is_that_of_the_head_and_not_of_the_image() -> None:
    drawn = CONTROLS["center"].draw(IMAGE, HEAD, 0)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (29, 39)
    assert drawn[30, 30] == pytest.approx(drawn[30, 49], rel=1e-5)
    assert drawn[10, 20] < 0.01 * drawn.max()


def test_chance_follows_its_seed_alone() -> None:
    draw = CONTROLS["random"].draw
    one, again, other = (draw(IMAGE, HEAD, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.5
    np.testing.assert_array_equal(one, draw(IMAGE * 0, (0, 0, 1, 1), 1))


def test_brightness_is_hottest_where_the_image_is_brightest() -> None:
    row, column = np.unravel_index(CONTROLS["brightness"].draw(IMAGE, HEAD, 0).argmax(), IMAGE.shape)
    assert 40 <= row < 48
    assert 50 <= column < 58
