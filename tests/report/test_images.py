"""Overlays change only pixels of heat maps and contours; images are saved completely."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.report import data_uri, marked, overlay, save_overlay, save_png, side_by_side, with_notice
from tumorlens.report.images import NOTICE, colors


@pytest.fixture
def gray() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)


def test_a_scan_alone_becomes_rgb(gray: np.ndarray) -> None:
    image = overlay(gray)
    assert image.mode == "RGB"
    assert image.size == (60, 40)
    assert (np.asarray(image) == gray[:, :, None]).all()


def test_pixels_with_low_values_stay_gray_and_others_do_not(gray: np.ndarray) -> None:
    heat = np.zeros(gray.shape, dtype=np.float32)
    heat[10:20, 10:20] = 1
    shown = np.asarray(overlay(gray, heat))
    hot = heat > 0
    assert (shown[~hot] == gray[~hot][:, None]).all()
    assert (shown[hot][:, 0] > shown[hot][:, 2]).all()


def test_alpha_zero_leaves_the_scan_and_alpha_one_hides_it(gray: np.ndarray) -> None:
    heat = np.ones(gray.shape)
    assert (np.asarray(overlay(gray, heat, alpha=0)) == gray[:, :, None]).all()
    assert len(np.unique(np.asarray(overlay(gray, heat, alpha=1)).reshape(-1, 3), axis=0)) == 1


def test_nan_counts_as_zero_and_other_values_are_clipped(gray: np.ndarray) -> None:
    heat = np.full(gray.shape, np.nan)
    heat[0, 0], heat[0, 1] = 7.0, -7.0
    clipped = np.zeros(gray.shape)
    clipped[0, 0] = 1.0
    assert np.array_equal(np.asarray(overlay(gray, heat)), np.asarray(overlay(gray, clipped)))


def test_the_contour_is_one_pixel_wide_and_does_not_change_the_inside(gray: np.ndarray) -> None:
    mask = np.zeros(gray.shape, dtype=np.uint8)
    mask[5:15, 5:15] = 1
    changed = (np.asarray(overlay(gray, mask=mask)) != gray[:, :, None]).any(axis=2)
    assert changed.sum() == 36
    assert not changed[6:14, 6:14].any()
    assert not changed[mask == 0].any()


def test_a_contour_at_the_border_is_closed(gray: np.ndarray) -> None:
    changed = (np.asarray(overlay(gray, mask=np.ones(gray.shape, np.uint8))) != gray[:, :, None]).any(axis=2)
    assert changed[0].all()
    assert changed[:, -1].all()


def test_lines_connect_their_ends_above_all_other_layers(gray: np.ndarray) -> None:
    heat = np.ones(gray.shape, dtype=np.float32)
    shown = np.asarray(overlay(gray, heat, lines=[((5, 10), (5, 20)), ((30, 7), (20, 7)), ((39, 59), (39, 59))]))
    cyan = (shown == (0, 229, 255)).all(axis=2)
    assert cyan[5, 10:21].all()
    assert cyan[20:31, 7].all()
    assert cyan[39, 59]
    assert cyan.sum() == 11 + 11 + 1


def test_an_empty_mask_changes_nothing(gray: np.ndarray) -> None:
    assert np.array_equal(np.asarray(overlay(gray, mask=np.zeros(gray.shape, np.uint8))), np.asarray(overlay(gray)))


def test_higher_values_have_lighter_colors() -> None:
    lightness = colors(np.linspace(0, 1, 200)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_layers_of_another_size_and_16_bit_scans_are_an_error(gray: np.ndarray) -> None:
    with pytest.raises(ValueError, match="resize it first"):
        overlay(gray, np.zeros((7, 7)))
    with pytest.raises(ValueError, match="uint8"):
        overlay(gray.astype(np.uint16))


def test_images_side_by_side_have_the_height_of_the_tallest() -> None:
    joined = side_by_side([Image.new("L", (30, 50)), Image.new("RGBA", (40, 100))], gap=6)
    assert joined.size == (60 + 6 + 40, 100)
    with pytest.raises(ValueError):
        side_by_side([])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize(("lossy", "kind"), [(False, "png"), (True, "jpeg")])
def test_a_data_uri_contains_the_image(mode: str, lossy: bool, kind: str) -> None:
    head, data = data_uri(Image.new(mode, (12, 9)), lossy).split(",")
    assert head == f"data:image/{kind};base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (12, 9)


def test_a_png_uri_is_lossless(gray: np.ndarray) -> None:
    data = data_uri(Image.fromarray(gray)).split(",")[1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), gray)


def test_a_saved_png_replaces_the_old_file(tmp_path, gray: np.ndarray) -> None:
    path = tmp_path / "deep" / "overlay.png"
    save_png(Image.new("L", (3, 3)), path)
    save_png(overlay(gray), path)
    assert Image.open(path).size == (60, 40)
    assert [p.name for p in path.parent.iterdir()] == ["overlay.png"]


def test_an_image_that_cannot_be_written_leaves_no_file(tmp_path) -> None:
    with pytest.raises(OSError):
        save_png(Image.new("HSV", (2, 2)), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_two_contours_have_two_colors_and_are_dotted_where_they_overlap(gray: np.ndarray) -> None:
    mask = np.zeros(gray.shape, dtype=np.uint8)
    mask[5:25, 5:25] = 1
    other = np.roll(mask, 10, axis=1)

    def count(mask: np.ndarray, reference: np.ndarray) -> list[int]:
        shown = np.asarray(overlay(gray, mask=mask, reference=reference))
        return [int((shown == color).all(axis=2).sum()) for color in ((0, 229, 255), (255, 140, 0))]

    cyan, orange = count(mask, other)
    assert cyan + orange == 2 * 76 - 20  # twenty pixels lie on both lines
    assert min(cyan, orange) > 60
    assert sum(count(mask, mask)) == 76
    assert min(count(mask, mask)) > 30


@pytest.mark.parametrize("width", [100, 264, 1200])
def test_a_notice_stands_below_an_image_and_fits(width: int) -> None:
    inner = Image.new("L", (width, 40), 100)
    whole = np.asarray(with_notice(inner))
    assert "Research use only" in NOTICE
    assert whole.shape[1] == width
    assert (whole[:40] == 100).all()
    letters = (whole[40:] > 150).all(axis=2)
    assert letters.any()
    assert not letters[:, -2:].any()  # none is cut off
    assert not letters[-2:].any()


def test_a_saved_overlay_has_the_notice(tmp_path: Path) -> None:
    image = Image.new("RGB", (264, 40))
    save_overlay(image, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").tobytes() == with_notice(image).tobytes()


@pytest.mark.parametrize("width", [20, 64, 700])
def test_a_marked_image_has_a_frame_and_a_message_above_it(width: int) -> None:
    inner = Image.new("RGB", (width, 40), (1, 2, 3))
    framed = np.asarray(marked(inner, "out of distribution: do not use this prediction"))
    assert (framed[0] == (255, 140, 0)).all()
    assert (framed[:, 0] == (255, 140, 0)).all()
    assert (framed == (1, 2, 3)).all(axis=2).sum() == width * 40
    assert (framed < 30).all(axis=2).sum() > width * 40  # letters, too
