"""The one preprocessing does what torch's antialiased resize does, and what the overlay believes it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tumorlens.models import Prepare
from tumorlens.scan import Canvas

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


def _reference(picture: np.ndarray, canvas: Canvas) -> Tensor:
    """The window cut out or padded with black, then torch's own resize."""
    place = canvas.place(*picture.shape)
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
