"""Predicted masks are resized to their image, and bounding boxes are distinguished from outlines."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.scan import InputGeometry, is_box_mask, mask_in_image


@pytest.mark.parametrize("mode", ["letterbox", "resize"])
@pytest.mark.parametrize("shape", [(60, 60), (50, 90), (300, 120)])
def test_a_disc_in_the_network_input_is_the_disc_in_the_image(mode: str, shape: tuple[int, int]) -> None:
    rows, columns = np.indices(shape)
    disc = ((rows - shape[0] * 0.4) ** 2 + (columns - shape[1] * 0.6) ** 2 < (0.3 * min(shape)) ** 2).astype(np.uint8)
    crop_window = InputGeometry(96, mode).crop_window(*shape)
    back = mask_in_image(crop_window.to_input(disc * np.uint8(255)) / 255, crop_window)
    assert back.dtype == np.uint8
    assert back.shape == shape
    assert 2 * (back & disc).sum() / (back.sum() + disc.sum()) > 0.97


def test_pixels_outside_of_the_network_input_are_background() -> None:
    crop_window = InputGeometry(32, "center_crop", 64).crop_window(100, 80)
    mask = mask_in_image(np.ones((32, 32)), crop_window)
    assert mask[50, 40] == 1
    assert mask[0].sum() == mask[:, 0].sum() == 0


def test_the_threshold_is_a_probability_of_one_half() -> None:
    crop_window = InputGeometry(8).crop_window(8, 8)
    assert mask_in_image(np.full((8, 8), 0.5), crop_window).all()
    assert not mask_in_image(np.full((8, 8), 0.499), crop_window).any()


def test_a_filled_box_is_a_box_mask_and_an_outline_is_not() -> None:
    box = np.zeros((20, 30), np.uint8)
    box[3:9, 5:17] = 1
    assert is_box_mask(box)
    box[3, 5] = 0
    assert not is_box_mask(box)
    assert not is_box_mask(scans.MASK * 0)


def test_a_tiny_box_is_not_a_box_mask() -> None:
    spot = np.zeros((20, 30), np.uint8)
    spot[3:6, 5:10] = 1
    assert not is_box_mask(spot)
    spot[3:7, 5:10] = 1
    assert is_box_mask(spot)
