"""Overlays change only what is hot or outlined; images arrive whole."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tumorlens.report import data_uri, marked, overlay, save_png, side_by_side
from tumorlens.report.images import colors


@pytest.fixture
def gray() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)


def test_a_scan_alone_is_only_made_rgb(gray: np.ndarray) -> None:
    image = overlay(gray)
    assert image.mode == "RGB"
    assert image.size == (60, 40)
    assert (np.asarray(image) == gray[:, :, None]).all()


def test_cold_pixels_stay_exactly_gray_and_hot_ones_do_not(gray: np.ndarray) -> None:
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


def test_nan_is_cold_and_values_outside_are_clipped(gray: np.ndarray) -> None:
    heat = np.full(gray.shape, np.nan)
    heat[0, 0], heat[0, 1] = 7.0, -7.0
    clipped = np.zeros(gray.shape)
    clipped[0, 0] = 1.0
    assert np.array_equal(np.asarray(overlay(gray, heat)), np.asarray(overlay(gray, clipped)))


def test_the_outline_is_one_pixel_wide_and_leaves_the_inside(gray: np.ndarray) -> None:
    mask = np.zeros(gray.shape, dtype=np.uint8)
    mask[5:15, 5:15] = 1
    changed = (np.asarray(overlay(gray, contour=mask)) != gray[:, :, None]).any(axis=2)
    assert changed.sum() == 36
    assert not changed[6:14, 6:14].any()
    assert not changed[mask == 0].any()


def test_an_outline_at_the_rim_is_closed_there(gray: np.ndarray) -> None:
    changed = (np.asarray(overlay(gray, contour=np.ones(gray.shape, np.uint8))) != gray[:, :, None]).any(axis=2)
    assert changed[0].all()
    assert changed[:, -1].all()


def test_lines_join_their_ends_over_everything_else(gray: np.ndarray) -> None:
    heat = np.ones(gray.shape, dtype=np.float32)
    shown = np.asarray(overlay(gray, heat, lines=[((5, 10), (5, 20)), ((30, 7), (20, 7)), ((39, 59), (39, 59))]))
    cyan = (shown == (0, 229, 255)).all(axis=2)
    assert cyan[5, 10:21].all()
    assert cyan[20:31, 7].all()
    assert cyan[39, 59]
    assert cyan.sum() == 11 + 11 + 1


def test_an_empty_mask_draws_nothing(gray: np.ndarray) -> None:
    assert np.array_equal(np.asarray(overlay(gray, contour=np.zeros(gray.shape, np.uint8))), np.asarray(overlay(gray)))


def test_hotter_is_lighter() -> None:
    lightness = colors(np.linspace(0, 1, 200)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_layers_of_another_size_and_deep_scans_are_refused(gray: np.ndarray) -> None:
    with pytest.raises(ValueError, match="resize it first"):
        overlay(gray, np.zeros((7, 7)))
    with pytest.raises(ValueError, match="uint8"):
        overlay(gray.astype(np.uint16))


def test_images_side_by_side_share_the_tallest_height() -> None:
    joined = side_by_side([Image.new("L", (30, 50)), Image.new("RGBA", (40, 100))], gap=6)
    assert joined.size == (60 + 6 + 40, 100)
    with pytest.raises(ValueError):
        side_by_side([])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize(("lossy", "kind"), [(False, "png"), (True, "jpeg")])
def test_a_data_uri_holds_the_image(mode: str, lossy: bool, kind: str) -> None:
    head, data = data_uri(Image.new(mode, (12, 9)), lossy).split(",")
    assert head == f"data:image/{kind};base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (12, 9)


def test_a_png_uri_loses_nothing(gray: np.ndarray) -> None:
    data = data_uri(Image.fromarray(gray)).split(",")[1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), gray)


def test_a_saved_png_replaces_the_old_one_whole(tmp_path, gray: np.ndarray) -> None:
    path = tmp_path / "deep" / "overlay.png"
    save_png(Image.new("L", (3, 3)), path)
    save_png(overlay(gray), path)
    assert Image.open(path).size == (60, 40)
    assert [p.name for p in path.parent.iterdir()] == ["overlay.png"]


def test_a_image_that_cannot_be_written_leaves_no_trace(tmp_path) -> None:
    with pytest.raises(OSError):
        save_png(Image.new("HSV", (2, 2)), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_two_outlines_are_told_apart_and_both_seen_where_they_meet(gray: np.ndarray) -> None:
    mask = np.zeros(gray.shape, dtype=np.uint8)
    mask[5:25, 5:25] = 1
    other = np.roll(mask, 10, axis=1)

    def seen(contour: np.ndarray, truth: np.ndarray) -> list[int]:
        shown = np.asarray(overlay(gray, contour=contour, truth=truth))
        return [int((shown == color).all(axis=2).sum()) for color in ((0, 229, 255), (255, 140, 0))]

    cyan, orange = seen(mask, other)
    assert cyan + orange == 2 * 76 - 20  # twenty pixels lie on both lines
    assert min(cyan, orange) > 60
    assert sum(seen(mask, mask)) == 76
    assert min(seen(mask, mask)) > 30


@pytest.mark.parametrize("width", [20, 64, 700])
def test_what_must_not_be_overlooked_stands_in_a_frame_above_the_whole_image(width: int) -> None:
    inner = Image.new("RGB", (width, 40), (1, 2, 3))
    framed = np.asarray(marked(inner, "outside of what this model is for"))
    assert (framed[0] == (255, 140, 0)).all()
    assert (framed[:, 0] == (255, 140, 0)).all()
    assert (framed == (1, 2, 3)).all(axis=2).sum() == width * 40
    assert (framed < 30).all(axis=2).sum() > width * 40  # letters, too
