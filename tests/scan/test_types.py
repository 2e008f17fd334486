"""The type Scan, and the window that turns deep pixels into 8-bit gray."""

from pathlib import Path

import numpy as np

from tumorlens.scan import Scan, window


def test_a_scan_knows_its_size_and_whether_it_is_a_volume() -> None:
    volume = Scan(np.zeros((3, 5, 7), np.uint8), Path("v.tif"), "TIFF", "L")
    assert volume.is_volume
    assert volume.size == (5, 7)


def test_eight_bit_pixels_are_returned_unchanged() -> None:
    pixels = np.array([[3, 4]], np.uint8)
    assert Scan(pixels, Path("a.png"), "PNG", "L").gray() is pixels


def test_deep_pixels_use_the_whole_range_and_are_not_clipped_to_white() -> None:
    pixels = np.linspace(0, 4000, 10_000).reshape(100, 100).astype(np.uint16)
    gray = Scan(pixels, Path("a.png"), "PNG", "I;16").gray()
    assert (gray.min(), gray.max()) == (0, 255)
    assert np.mean(gray == 255) < 0.01


def test_one_very_bright_pixel_does_not_turn_the_rest_black() -> None:
    pixels = np.linspace(0, 1000, 10_000).reshape(100, 100)
    pixels[0, 0] = 1e6
    assert window(pixels).mean() > 120


def test_constant_and_non_finite_pixels_give_an_image() -> None:
    assert not window(np.full((4, 4), 9.0)).any()
    assert not window(np.full((4, 4), np.nan)).any()
    assert window(np.array([[np.nan, 0.0, 1.0, np.inf]])).tolist() == [[0, 0, 255, 0]]
    nearly_empty = np.zeros((100, 100))
    nearly_empty[0, 0] = 5
    assert window(nearly_empty).max() == 255
