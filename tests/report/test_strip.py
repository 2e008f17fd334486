"""A strip shows each image completely below its title."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tumorlens.report import with_notice
from tumorlens.report.strip import strip


def pane(height: int, width: int, seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def notice(whole: np.ndarray) -> int:
    """The height of the notice below a strip."""
    width = whole.shape[1]
    return next(n for n in range(1, 60) if with_notice(Image.new("RGB", (width, len(whole) - n))).height == len(whole))


def test_each_image_is_complete_below_its_title() -> None:
    first, second = pane(300, 200, 0), pane(300, 260, 1)
    whole = np.asarray(strip([("glioma 99 %", first), ("Grad-CAM", second)]))
    found = whole[: -notice(whole)]
    bar = found.shape[0] - 300
    assert 15 < bar < 40
    assert np.array_equal(found[bar:, :200], first)
    assert np.array_equal(found[bar:, -260:], second)
    assert found[:bar, :200].max() > 200  # ink
    assert not np.array_equal(found[:bar, :100], found[:bar, -260:-160])


def test_a_small_image_is_enlarged_without_interpolation() -> None:
    small = pane(48, 48, 0)
    whole = np.asarray(strip([("scan", small)]))
    found = whole[: -notice(whole)]
    assert np.array_equal(found[-240:], np.asarray(small).repeat(5, 0).repeat(5, 1))


def test_a_strip_without_images_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        strip([])
