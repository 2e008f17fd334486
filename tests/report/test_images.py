"""Overlays change only what is hot or outlined; pictures arrive whole."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tumorlens.report import Picture, contact_sheet, data_uri, marked, overlay, save_png, side_by_side
from tumorlens.report.images import colours


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)


def test_a_scan_alone_is_only_made_rgb(grey: np.ndarray) -> None:
    picture = overlay(grey)
    assert picture.mode == "RGB"
    assert picture.size == (60, 40)
    assert (np.asarray(picture) == grey[:, :, None]).all()


def test_cold_pixels_stay_exactly_grey_and_hot_ones_do_not(grey: np.ndarray) -> None:
    heat = np.zeros(grey.shape, dtype=np.float32)
    heat[10:20, 10:20] = 1
    shown = np.asarray(overlay(grey, heat))
    hot = heat > 0
    assert (shown[~hot] == grey[~hot][:, None]).all()
    assert (shown[hot][:, 0] > shown[hot][:, 2]).all()


def test_alpha_zero_leaves_the_scan_and_alpha_one_hides_it(grey: np.ndarray) -> None:
    heat = np.ones(grey.shape)
    assert (np.asarray(overlay(grey, heat, alpha=0)) == grey[:, :, None]).all()
    assert len(np.unique(np.asarray(overlay(grey, heat, alpha=1)).reshape(-1, 3), axis=0)) == 1


def test_nan_is_cold_and_values_outside_are_clipped(grey: np.ndarray) -> None:
    heat = np.full(grey.shape, np.nan)
    heat[0, 0], heat[0, 1] = 7.0, -7.0
    clipped = np.zeros(grey.shape)
    clipped[0, 0] = 1.0
    assert np.array_equal(np.asarray(overlay(grey, heat)), np.asarray(overlay(grey, clipped)))


def test_the_outline_is_one_pixel_wide_and_leaves_the_inside(grey: np.ndarray) -> None:
    mask = np.zeros(grey.shape, dtype=np.uint8)
    mask[5:15, 5:15] = 1
    changed = (np.asarray(overlay(grey, contour=mask)) != grey[:, :, None]).any(axis=2)
    assert changed.sum() == 36
    assert not changed[6:14, 6:14].any()
    assert not changed[mask == 0].any()


def test_an_outline_at_the_rim_is_closed_there(grey: np.ndarray) -> None:
    changed = (np.asarray(overlay(grey, contour=np.ones(grey.shape, np.uint8))) != grey[:, :, None]).any(axis=2)
    assert changed[0].all()
    assert changed[:, -1].all()


def test_lines_join_their_ends_over_everything_else(grey: np.ndarray) -> None:
    heat = np.ones(grey.shape, dtype=np.float32)
    shown = np.asarray(overlay(grey, heat, lines=[((5, 10), (5, 20)), ((30, 7), (20, 7)), ((39, 59), (39, 59))]))
    cyan = (shown == (0, 229, 255)).all(axis=2)
    assert cyan[5, 10:21].all()
    assert cyan[20:31, 7].all()
    assert cyan[39, 59]
    assert cyan.sum() == 11 + 11 + 1


def test_an_empty_mask_draws_nothing(grey: np.ndarray) -> None:
    assert np.array_equal(np.asarray(overlay(grey, contour=np.zeros(grey.shape, np.uint8))), np.asarray(overlay(grey)))


def test_hotter_is_lighter() -> None:
    lightness = colours(np.linspace(0, 1, 200)) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_layers_of_another_size_and_deep_scans_are_refused(grey: np.ndarray) -> None:
    with pytest.raises(ValueError, match="resize it first"):
        overlay(grey, np.zeros((7, 7)))
    with pytest.raises(ValueError, match="uint8"):
        overlay(grey.astype(np.uint16))


def test_pictures_side_by_side_share_the_tallest_height() -> None:
    joined = side_by_side([Image.new("L", (30, 50)), Image.new("RGBA", (40, 100))], gap=6)
    assert joined.size == (60 + 6 + 40, 100)
    with pytest.raises(ValueError):
        side_by_side([])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize(("lossy", "kind"), [(False, "png"), (True, "jpeg")])
def test_a_data_uri_holds_the_picture(mode: str, lossy: bool, kind: str) -> None:
    head, data = data_uri(Image.new(mode, (12, 9)), lossy).split(",")
    assert head == f"data:image/{kind};base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (12, 9)


def test_a_png_uri_loses_nothing(grey: np.ndarray) -> None:
    data = data_uri(Image.fromarray(grey)).split(",")[1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), grey)


def test_a_contact_sheet_reduces_marks_and_describes_its_pictures() -> None:
    image = Image.new("RGB", (1000, 500))
    sheet = contact_sheet(
        [
            Picture(image, "true <glioma>", "a & b", "wrong"),
            Picture(image, "fine", "c", "right"),
            Picture(image, "", "d"),
        ]
    )
    assert re.findall(r'alt="([^"]*)"', sheet) == ["a &amp; b", "c", "d"]
    assert sheet.count('width="384" height="192"') == 3
    assert "true &lt;glioma&gt;" in sheet
    assert re.findall(r"[✓✗] \w+", sheet) == ["✗ wrong", "✓ right"]
    assert image.size == (1000, 500)


def test_a_contact_sheet_of_nothing_is_nothing() -> None:
    assert contact_sheet([]) == ""


def test_a_saved_png_replaces_the_old_one_whole(tmp_path, grey: np.ndarray) -> None:
    path = tmp_path / "deep" / "overlay.png"
    save_png(Image.new("L", (3, 3)), path)
    save_png(overlay(grey), path)
    assert Image.open(path).size == (60, 40)
    assert [p.name for p in path.parent.iterdir()] == ["overlay.png"]


def test_a_picture_that_cannot_be_written_leaves_no_trace(tmp_path) -> None:
    with pytest.raises(OSError):
        save_png(Image.new("HSV", (2, 2)), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_two_outlines_are_told_apart_and_both_seen_where_they_meet(grey: np.ndarray) -> None:
    mask = np.zeros(grey.shape, dtype=np.uint8)
    mask[5:25, 5:25] = 1
    other = np.roll(mask, 10, axis=1)

    def seen(contour: np.ndarray, truth: np.ndarray) -> list[int]:
        shown = np.asarray(overlay(grey, contour=contour, truth=truth))
        return [int((shown == colour).all(axis=2).sum()) for colour in ((0, 229, 255), (255, 140, 0))]

    cyan, orange = seen(mask, other)
    assert cyan + orange == 2 * 76 - 20  # twenty pixels lie on both lines
    assert min(cyan, orange) > 60
    assert sum(seen(mask, mask)) == 76
    assert min(seen(mask, mask)) > 30


@pytest.mark.parametrize("width", [20, 64, 700])
def test_what_must_not_be_overlooked_stands_in_a_frame_above_the_whole_picture(width: int) -> None:
    inner = Image.new("RGB", (width, 40), (1, 2, 3))
    framed = np.asarray(marked(inner, "outside of what this model is for"))
    assert (framed[0] == (255, 140, 0)).all()
    assert (framed[:, 0] == (255, 140, 0)).all()
    assert (framed == (1, 2, 3)).all(axis=2).sum() == width * 40
    assert (framed < 30).all(axis=2).sum() > width * 40  # letters, too
