"""Occlusion removes one region, leaves the rest as it was, and does not mark the place in black."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation.analyses.region_occlusion.occlude import head_occluded, outside_head_occluded, tumor_occluded
from tumorlens.scan.foreground import head_mask

ROWS, COLUMNS = np.mgrid[:128, :128]
HEAD = np.hypot(ROWS - 64, COLUMNS - 64) < 40
TUMOR = (np.hypot(ROWS - 50, COLUMNS - 70) < 9).astype(np.uint8)


def image(background: int = 10) -> np.ndarray:
    """Noise around a head with a bright tumor, and a letter in a corner."""
    gray = np.random.default_rng(0).integers(background - 2, background + 3, (128, 128)).astype(np.uint8)
    gray[HEAD] = 120
    gray[TUMOR > 0] = 230
    gray[4:10, 4:10] = 255
    return gray


@pytest.mark.parametrize("background", [10, 200])
def test_head_and_background_are_occluded_in_the_gray_of_the_background(background: int) -> None:
    gray = image(background)
    head = head_mask(gray)
    alone, without = outside_head_occluded(gray, head), head_occluded(gray, head)
    assert np.array_equal(alone[HEAD], gray[HEAD])
    assert set(np.unique(alone[~head])) == {background}
    assert set(np.unique(without[HEAD])) == {background}
    assert np.array_equal(without[~head], gray[~head])
    assert (without[4:10, 4:10] == 255).all()
    assert alone.dtype == without.dtype == np.uint8


def test_a_tumor_takes_the_gray_of_the_tissue_around_it() -> None:
    gray = image()
    blank = tumor_occluded(gray, TUMOR)
    assert (blank[HEAD] == 120).all()
    assert np.array_equal(blank[~HEAD], gray[~HEAD])
    assert gray[50, 70] == 230  # the image itself stays


def test_the_occluded_region_extends_a_little_beyond_the_contour() -> None:
    gray = image()
    gray[(np.hypot(ROWS - 50, COLUMNS - 70) < 10) & (TUMOR == 0)] = 229  # a contour one pixel too small
    assert (tumor_occluded(gray, TUMOR)[HEAD] == 120).all()


def test_a_tumor_at_the_skull_does_not_spill_into_the_background() -> None:
    gray = image()
    tumor = (np.hypot(ROWS - 64, COLUMNS - 100) < 8).astype(np.uint8)
    tumor[~HEAD] = 0
    gray[tumor > 0] = 230
    blank = tumor_occluded(gray, tumor)
    assert (blank[tumor > 0] < 230).all()
    assert np.array_equal(blank[~head_mask(gray)], gray[~head_mask(gray)])


def test_a_mask_that_fills_the_image_or_one_pixel_of_it_can_be_occluded() -> None:
    gray = image()
    assert len(np.unique(tumor_occluded(gray, np.ones_like(TUMOR)))) == 1
    spot = np.zeros_like(TUMOR)
    spot[0, 127] = 1
    assert tumor_occluded(gray, spot).shape == gray.shape
