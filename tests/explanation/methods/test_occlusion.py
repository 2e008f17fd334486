"""Occlusion finds the pixels a score depends on, skips unchanged patches, and never uses a black patch."""

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
def test_the_map_is_high_where_the_score_depends_on_the_image(
    input_geometry: InputGeometry, size: tuple[int, int]
) -> None:
    image = head_with_spot(*size)
    crop_window = input_geometry.crop_window(*size)
    heatmap = heat(occlusion(image, crop_window, spot_brightness), crop_window)
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    assert 52 <= row < 76
    assert 92 <= column < 116
    near = np.zeros(size, bool)
    near[40:90, 76:132] = True
    assert heatmap[near].sum() > 0.8 * heatmap.sum()


def test_a_constant_score_gives_zeros() -> None:
    image = head_with_spot()
    heatmap = occlusion(image, InputGeometry(64).crop_window(160, 160), lambda images: np.full(len(images), 0.7))
    assert heatmap.shape == (CELLS, CELLS)
    assert not heatmap.any()


def test_where_the_score_rises_the_map_is_negative() -> None:
    heatmap = occlusion(
        head_with_spot(), InputGeometry(64).crop_window(160, 160), lambda images: -spot_brightness(images)
    )
    assert heatmap.min() < -0.1
    assert heatmap.max() <= 0


def test_patches_over_black_background_and_padding_are_skipped() -> None:
    batch_sizes: list[int] = []

    def score(images: np.ndarray) -> np.ndarray:
        batch_sizes.append(len(images))
        return spot_brightness(images)

    occlusion(head_with_spot(160, 400), InputGeometry(64).crop_window(160, 400), score)
    assert batch_sizes[0] == 1
    assert max(batch_sizes) <= BATCH
    assert 20 < sum(batch_sizes) < 100  # of 225


def test_a_patch_shows_the_local_mean_and_not_a_hole() -> None:
    image = np.full((160, 160), 100, np.uint8)
    image[70:90, 70:90] = 250
    occluded: list[np.ndarray] = []
    occlusion(
        image, InputGeometry(64).crop_window(160, 160), lambda images: occluded.extend(images) or np.zeros(len(images))
    )
    assert min(one.min() for one in occluded) >= 100
    covered = [one for one in occluded if not (one == 250).any()]
    assert covered
    assert max(one.max() for one in covered) < 170  # most of the contrast of 150 is gone


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 5)])
def test_images_may_be_smaller_than_the_grid(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    heatmap = occlusion(image, InputGeometry(32).crop_window(*size), lambda images: images.mean((1, 2)) / 255)
    assert heatmap.shape == (CELLS, CELLS)
    assert np.isfinite(heatmap).all()
