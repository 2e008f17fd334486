"""The one preprocessing does what torch's antialiased resize does, and what the overlay believes it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tumorlens.models import Prepare
from tumorlens.scan import Box, Canvas

HALF = (0.5, 0.5, 0.5)
CANVASES = [
    Canvas(64),
    Canvas(63),
    Canvas(64, "stretch"),
    Canvas(64, "crop"),
    Canvas(64, "crop", resize=80),
    Canvas(224, "crop", resize=256),
]
SHAPES = [(64, 64), (512, 512), (37, 301), (301, 37), (1, 1), (3, 2), (65, 66), (201, 173), (1024, 7)]


def _picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng([height, width]).integers(0, 256, (height, width), dtype=np.uint8)


def _reference(picture: np.ndarray, canvas: Canvas, box: Box | None = None) -> Tensor:
    """What is outside the box made black, the window cut out or padded with black, then torch's own resize."""
    place = canvas.place(*picture.shape, box)
    if box:
        top, left, height, width = box
        shown = np.zeros_like(picture)
        shown[top : top + height, left : left + width] = picture[top : top + height, left : left + width]
        picture = shown
    window = F.pad(
        torch.from_numpy(picture).float(),
        (
            -place.left,
            place.left + place.width - picture.shape[1],
            -place.top,
            place.top + place.height - picture.shape[0],
        ),
    )
    return F.interpolate(
        window[None, None], (canvas.size, canvas.size), mode="bilinear", align_corners=False, antialias=True
    )


@pytest.mark.parametrize("canvas", CANVASES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_torch_and_the_canvas(canvas: Canvas, shape: tuple[int, int]) -> None:
    picture = _picture(*shape)
    placed = Prepare(canvas, 1, HALF, HALF).place(torch.from_numpy(picture)[None])
    torch.testing.assert_close(placed, _reference(picture, canvas), atol=1e-3, rtol=0)
    drawn = canvas.place(*shape).to_canvas(picture)
    assert np.abs(placed[0, 0].round().numpy() - drawn).max() <= 1


def test_a_picture_of_the_canvas_size_passes_untouched() -> None:
    picture = torch.from_numpy(_picture(64, 64))[None]
    assert torch.equal(Prepare(Canvas(64), 1, HALF, HALF).place(picture)[0, 0], picture[0].float())


def test_three_channels_take_their_own_constants_and_one_takes_the_average() -> None:
    picture = torch.full((1, 8, 8), 51, dtype=torch.uint8)  # 0.2 of full white
    three = Prepare(Canvas(8), 3, (0.1, 0.2, 0.3), (1.0, 1.0, 0.5))(picture)
    one = Prepare(Canvas(8), 1, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))(picture)
    torch.testing.assert_close(three[0, :, 0, 0], torch.tensor([0.1, 0.0, -0.2]))
    assert one.shape == (1, 1, 8, 8)
    torch.testing.assert_close(one[0, 0], torch.zeros(8, 8), atol=1e-6, rtol=0)


def test_a_batch_gives_what_each_picture_gives_alone() -> None:
    prepare = Prepare(Canvas(32), 3, HALF, HALF)
    pictures = torch.from_numpy(np.stack([_picture(40, 50), 255 - _picture(40, 50)]))
    torch.testing.assert_close(prepare(pictures)[1:], prepare(pictures[1:]))


def _head(height: int, width: int, top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """A bright block with texture on a dark ground."""
    picture = np.full((height, width), 12, np.uint8)
    picture[top:bottom, left:right] = 120 + _picture(bottom - top, right - left) // 2
    return picture


AROUND = [replace(canvas, around="head") for canvas in CANVASES]
HEADS = [(300, 420, 60, 100, 250, 380), (300, 420, 0, 0, 190, 130), (300, 420, 100, 30, 300, 420)]


@pytest.mark.parametrize("canvas", AROUND, ids=str)
def test_around_the_head_each_picture_of_a_batch_has_a_window_of_its_own(canvas: Canvas) -> None:
    pictures = np.stack([_head(*edges) for edges in HEADS])
    prepare = Prepare(canvas, 1, HALF, HALF)
    boxes = [tuple(box) for box in prepare.boxes(torch.from_numpy(pictures)).tolist()]
    assert len(set(boxes)) == 3
    placed = prepare.place(torch.from_numpy(pictures))
    for image, picture, box in zip(placed, pictures, boxes, strict=True):
        torch.testing.assert_close(image[None], _reference(picture, canvas, box), atol=1e-3, rtol=0)
        drawn = canvas.place(*picture.shape, box).to_canvas(picture)
        assert np.abs(image[0].round().numpy() - drawn).max() <= 1


@pytest.mark.parametrize("canvas", AROUND, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_around_the_head_any_picture_can_be_placed(canvas: Canvas, shape: tuple[int, int]) -> None:
    picture = _picture(*shape)
    prepare = Prepare(canvas, 1, HALF, HALF)
    (box,) = prepare.boxes(torch.from_numpy(picture)[None]).tolist()
    placed = prepare.place(torch.from_numpy(picture)[None])
    torch.testing.assert_close(placed, _reference(picture, canvas, tuple(box)), atol=1e-3, rtol=0)


def test_around_the_whole_picture_the_box_is_the_whole_picture() -> None:
    assert Prepare(Canvas(8), 1, HALF, HALF).boxes(torch.zeros(2, 30, 50)).tolist() == [[0, 0, 30, 50]] * 2


@pytest.mark.parametrize("canvas", [CANVASES[0], CANVASES[4], AROUND[0], AROUND[2], AROUND[4]], ids=str)
def test_a_mask_is_placed_as_its_picture(canvas: Canvas) -> None:
    masks = np.zeros((3, 300, 420), np.uint8)
    for mask, (_, _, top, left, bottom, right) in zip(masks, HEADS, strict=True):
        row, column = (top + bottom) // 2, (left + right) // 2
        mask[row - 20 : row + 15, column - 10 : column + 30] = 1
    pictures = torch.from_numpy(np.stack([_head(*edges) for edges in HEADS]))
    prepare = Prepare(canvas, 1, HALF, HALF)
    placed, marked = prepare.place_with(pictures, torch.from_numpy(masks))
    assert torch.equal(placed, prepare.place(pictures))
    assert marked.dtype == torch.bool
    for found, mask, box in zip(marked[:, 0], masks, prepare.boxes(pictures).tolist(), strict=True):
        drawn = canvas.place(*mask.shape, tuple(box)).to_canvas(255 * mask)
        assert np.array_equal(found.numpy(), drawn >= 128)
        assert found.any()
