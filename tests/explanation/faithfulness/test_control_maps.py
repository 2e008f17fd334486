"""Control maps depend on the image at most, and on no network."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.faithfulness.control_maps import CONTROL_MAPS

IMAGE = np.zeros((60, 80), np.uint8)
IMAGE[10:50, 20:60] = 90
IMAGE[40:48, 50:58] = 250
HEAD = (10, 20, 40, 40)


@pytest.mark.parametrize("name", CONTROL_MAPS)
def test_a_control_map_has_the_size_of_the_image(name: str) -> None:
    heatmap = CONTROL_MAPS[name].render(IMAGE, HEAD, 3)
    assert heatmap.shape == (60, 80)
    assert heatmap.dtype == np.float32
    assert 0 <= heatmap.min() < heatmap.max() <= 1


def test_the_center_map_is_centered_on_the_head_and_not_on_the_image() -> None:
    heatmap = CONTROL_MAPS["center"].render(IMAGE, HEAD, 0)
    assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (29, 39)
    assert heatmap[30, 30] == pytest.approx(heatmap[30, 49], rel=1e-5)
    assert heatmap[10, 20] < 0.01 * heatmap.max()


def test_the_random_map_depends_on_its_seed_only() -> None:
    render = CONTROL_MAPS["random"].render
    one, again, other = (render(IMAGE, HEAD, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.5
    np.testing.assert_array_equal(one, render(IMAGE * 0, (0, 0, 1, 1), 1))


def test_the_brightness_map_has_its_maximum_where_the_image_is_brightest() -> None:
    row, column = np.unravel_index(CONTROL_MAPS["brightness"].render(IMAGE, HEAD, 0).argmax(), IMAGE.shape)
    assert 40 <= row < 48
    assert 50 <= column < 58
