"""Blanking takes away what it says, leaves the rest as it was, and does not mark the place in black."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.evaluation.analyses.region_occlusion.occlude import only_head, without_head, without_tumour
from tumorlens.scan.foreground import head_mask

ROWS, COLUMNS = np.mgrid[:128, :128]
HEAD = np.hypot(ROWS - 64, COLUMNS - 64) < 40
TUMOUR = (np.hypot(ROWS - 50, COLUMNS - 70) < 9).astype(np.uint8)


def picture(background: int = 10) -> np.ndarray:
    """Noise around a head with a bright tumour, and a letter in a corner."""
    grey = np.random.default_rng(0).integers(background - 2, background + 3, (128, 128)).astype(np.uint8)
    grey[HEAD] = 120
    grey[TUMOUR > 0] = 230
    grey[4:10, 4:10] = 255
    return grey


@pytest.mark.parametrize("background", [10, 200])
def test_head_and_background_are_blanked_in_the_grey_of_the_background(background: int) -> None:
    grey = picture(background)
    head = head_mask(grey)
    alone, without = only_head(grey, head), without_head(grey, head)
    assert np.array_equal(alone[HEAD], grey[HEAD])
    assert set(np.unique(alone[~head])) == {background}
    assert set(np.unique(without[HEAD])) == {background}
    assert np.array_equal(without[~head], grey[~head])
    assert (without[4:10, 4:10] == 255).all()
    assert alone.dtype == without.dtype == np.uint8


def test_a_tumour_takes_the_grey_of_the_tissue_around_it() -> None:
    grey = picture()
    blank = without_tumour(grey, TUMOUR)
    assert (blank[HEAD] == 120).all()
    assert np.array_equal(blank[~HEAD], grey[~HEAD])
    assert grey[50, 70] == 230  # the picture itself stays


def test_what_is_blanked_reaches_a_little_beyond_the_outline() -> None:
    grey = picture()
    grey[(np.hypot(ROWS - 50, COLUMNS - 70) < 10) & (TUMOUR == 0)] = 229  # an outline drawn one pixel too small
    assert (without_tumour(grey, TUMOUR)[HEAD] == 120).all()


def test_a_tumour_at_the_skull_does_not_spill_into_the_background() -> None:
    grey = picture()
    tumour = (np.hypot(ROWS - 64, COLUMNS - 100) < 8).astype(np.uint8)
    tumour[~HEAD] = 0
    grey[tumour > 0] = 230
    blank = without_tumour(grey, tumour)
    assert (blank[tumour > 0] < 230).all()
    assert np.array_equal(blank[~head_mask(grey)], grey[~head_mask(grey)])


def test_a_mask_that_fills_the_picture_or_one_pixel_of_it_can_be_blanked() -> None:
    grey = picture()
    assert len(np.unique(without_tumour(grey, np.ones_like(TUMOUR)))) == 1
    spot = np.zeros_like(TUMOUR)
    spot[0, 127] = 1
    assert without_tumour(grey, spot).shape == grey.shape
