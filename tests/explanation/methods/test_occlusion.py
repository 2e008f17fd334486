"""Occlusion finds what a score depends on, asks only where something changes, and never sees a black patch."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.explanation.methods.occlusion import BATCH, CELLS, occlusion
from tumorlens.report.heat import heat
from tumorlens.scan import InputGeometry


def head_with_spot(height: int = 160, width: int = 160) -> np.ndarray:
    """Gray tissue on black, a bright spot at rows 56 to 72 and columns 96 to 112."""
    image = np.zeros((height, width), np.uint8)
    image[20:140, 30:140] = np.random.default_rng(0).integers(80, 120, (120, 110))
    image[56:72, 96:112] = 250
    return image


def spot_brightness(images: np.ndarray) -> np.ndarray:
    return images[:, 56:72, 96:112].mean((1, 2)) / 255


@pytest.mark.parametrize(
    "input_geometry", [InputGeometry(64), InputGeometry(64, "resize"), InputGeometry(48, "center_crop", 56)]
)
@pytest.mark.parametrize("size", [(160, 160), (160, 240)])
def test_the_map_is_hot_over_what_the_score_depends_on(input_geometry: InputGeometry, size: tuple[int, int]) -> None:
    image = head_with_spot(*size)
    crop_window = input_geometry.crop_window(*size)
    found = heat(occlusion(image, crop_window, spot_brightness), crop_window)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 52 <= row < 76
    assert 92 <= column < 116
    near = np.zeros(size, bool)
    near[40:90, 76:132] = True
    assert found[near].sum() > 0.8 * found.sum()


def test_a_score_that_does_not_look_at_the_image_gives_nothing() -> None:
    image = head_with_spot()
    found = occlusion(image, InputGeometry(64).crop_window(160, 160), lambda images: np.full(len(images), 0.7))
    assert found.shape == (CELLS, CELLS)
    assert not found.any()


def test_a_score_that_rises_is_negative() -> None:
    found = occlusion(head_with_spot(), InputGeometry(64).crop_window(160, 160), lambda images: -spot_brightness(images))
    assert found.min() < -0.1
    assert found.max() <= 0


def test_black_background_and_bars_are_not_asked_about() -> None:
    asked: list[int] = []

    def score(images: np.ndarray) -> np.ndarray:
        asked.append(len(images))
        return spot_brightness(images)

    occlusion(head_with_spot(160, 400), InputGeometry(64).crop_window(160, 400), score)
    assert asked[0] == 1
    assert max(asked) <= BATCH
    assert 20 < sum(asked) < 100  # of 225


def test_a_patch_is_the_surroundings_and_not_a_hole() -> None:
    image = np.full((160, 160), 100, np.uint8)
    image[70:90, 70:90] = 250
    shown: list[np.ndarray] = []
    occlusion(image, InputGeometry(64).crop_window(160, 160), lambda images: shown.extend(images) or np.zeros(len(images)))
    assert min(one.min() for one in shown) >= 100
    covered = [one for one in shown if not (one == 250).any()]
    assert covered
    assert max(one.max() for one in covered) < 170  # of the spot's 150 above the rest most is gone


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 5)])
def test_images_smaller_than_the_grid_are_no_trouble(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    found = occlusion(image, InputGeometry(32).crop_window(*size), lambda images: images.mean((1, 2)) / 255)
    assert found.shape == (CELLS, CELLS)
    assert np.isfinite(found).all()
