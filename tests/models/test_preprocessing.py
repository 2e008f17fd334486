"""Preprocessing equals torch's antialiased resize and `CropWindow`, for whole images and head crops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tumorlens.models import Preprocessing
from tumorlens.scan import Box, InputGeometry

HALF = (0.5, 0.5, 0.5)
GEOMETRIES = [
    InputGeometry(64),
    InputGeometry(63),
    InputGeometry(64, "resize"),
    InputGeometry(64, "center_crop"),
    InputGeometry(64, "center_crop", resize=80),
    InputGeometry(224, "center_crop", resize=256),
]
SHAPES = [(64, 64), (512, 512), (37, 301), (301, 37), (1, 1), (3, 2), (65, 66), (201, 173), (1024, 7)]


def _image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng([height, width]).integers(0, 256, (height, width), dtype=np.uint8)


def _reference(image: np.ndarray, input_geometry: InputGeometry, box: Box | None = None) -> Tensor:
    """Black outside of the box, the window cut out or padded with black, then torch's own resize."""
    window_position = input_geometry.crop_window(*image.shape, box)
    if box:
        top, left, height, width = box
        cropped = np.zeros_like(image)
        cropped[top : top + height, left : left + width] = image[top : top + height, left : left + width]
        image = cropped
    window = F.pad(
        torch.from_numpy(image).float(),
        (
            -window_position.left,
            window_position.left + window_position.width - image.shape[1],
            -window_position.top,
            window_position.top + window_position.height - image.shape[0],
        ),
    )
    return F.interpolate(
        window[None, None],
        (input_geometry.size, input_geometry.size),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )


@pytest.mark.parametrize("input_geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_resampling_equals_torch_and_the_crop_window(input_geometry: InputGeometry, shape: tuple[int, int]) -> None:
    image = _image(*shape)
    resampled = Preprocessing(input_geometry, 1, HALF, HALF).resample(torch.from_numpy(image)[None])
    torch.testing.assert_close(resampled, _reference(image, input_geometry), atol=1e-3, rtol=0)
    expected = input_geometry.crop_window(*shape).to_input(image)
    assert np.abs(resampled[0, 0].round().numpy() - expected).max() <= 1


def test_an_image_of_the_input_size_is_not_changed() -> None:
    image = torch.from_numpy(_image(64, 64))[None]
    assert torch.equal(Preprocessing(InputGeometry(64), 1, HALF, HALF).resample(image)[0, 0], image[0].float())


def test_three_channels_use_their_own_constants_and_one_channel_uses_their_mean() -> None:
    image = torch.full((1, 8, 8), 51, dtype=torch.uint8)  # 0.2 of full white
    three = Preprocessing(InputGeometry(8), 3, (0.1, 0.2, 0.3), (1.0, 1.0, 0.5))(image)
    one = Preprocessing(InputGeometry(8), 1, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))(image)
    torch.testing.assert_close(three[0, :, 0, 0], torch.tensor([0.1, 0.0, -0.2]))
    assert one.shape == (1, 1, 8, 8)
    torch.testing.assert_close(one[0, 0], torch.zeros(8, 8), atol=1e-6, rtol=0)


def test_an_image_gives_the_same_input_alone_and_in_a_batch() -> None:
    preprocessing = Preprocessing(InputGeometry(32), 3, HALF, HALF)
    images = torch.from_numpy(np.stack([_image(40, 50), 255 - _image(40, 50)]))
    torch.testing.assert_close(preprocessing(images)[1:], preprocessing(images[1:]))


def _head(height: int, width: int, top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """A bright block with texture on a dark ground."""
    image = np.full((height, width), 12, np.uint8)
    image[top:bottom, left:right] = 120 + _image(bottom - top, right - left) // 2
    return image


HEAD_CROPS = [replace(input_geometry, crop="head") for input_geometry in GEOMETRIES]
HEADS = [(300, 420, 60, 100, 250, 380), (300, 420, 0, 0, 190, 130), (300, 420, 100, 30, 300, 420)]


@pytest.mark.parametrize("input_geometry", HEAD_CROPS, ids=str)
def test_with_a_head_crop_each_image_of_a_batch_has_its_own_window(input_geometry: InputGeometry) -> None:
    images = np.stack([_head(*edges) for edges in HEADS])
    preprocessing = Preprocessing(input_geometry, 1, HALF, HALF)
    boxes = [tuple(box) for box in preprocessing.boxes(torch.from_numpy(images)).tolist()]
    assert len(set(boxes)) == 3
    resampled = preprocessing.resample(torch.from_numpy(images))
    for one, image, box in zip(resampled, images, boxes, strict=True):
        torch.testing.assert_close(one[None], _reference(image, input_geometry, box), atol=1e-3, rtol=0)
        expected = input_geometry.crop_window(*image.shape, box).to_input(image)
        assert np.abs(one[0].round().numpy() - expected).max() <= 1


@pytest.mark.parametrize("input_geometry", HEAD_CROPS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_with_a_head_crop_any_image_can_be_resampled(input_geometry: InputGeometry, shape: tuple[int, int]) -> None:
    image = _image(*shape)
    preprocessing = Preprocessing(input_geometry, 1, HALF, HALF)
    (box,) = preprocessing.boxes(torch.from_numpy(image)[None]).tolist()
    resampled = preprocessing.resample(torch.from_numpy(image)[None])
    torch.testing.assert_close(resampled, _reference(image, input_geometry, tuple(box)), atol=1e-3, rtol=0)


def test_without_a_crop_the_box_is_the_whole_image() -> None:
    assert Preprocessing(InputGeometry(8), 1, HALF, HALF).boxes(torch.zeros(2, 30, 50)).tolist() == [[0, 0, 30, 50]] * 2


@pytest.mark.parametrize(
    "input_geometry", [GEOMETRIES[0], GEOMETRIES[4], HEAD_CROPS[0], HEAD_CROPS[2], HEAD_CROPS[4]], ids=str
)
def test_a_mask_is_resampled_like_its_image(input_geometry: InputGeometry) -> None:
    masks = np.zeros((3, 300, 420), np.uint8)
    for mask, (_, _, top, left, bottom, right) in zip(masks, HEADS, strict=True):
        row, column = (top + bottom) // 2, (left + right) // 2
        mask[row - 20 : row + 15, column - 10 : column + 30] = 1
    images = torch.from_numpy(np.stack([_head(*edges) for edges in HEADS]))
    preprocessing = Preprocessing(input_geometry, 1, HALF, HALF)
    resampled, resampled_masks = preprocessing.resample_with_masks(images, torch.from_numpy(masks))
    assert torch.equal(resampled, preprocessing.resample(images))
    assert resampled_masks.dtype == torch.bool
    for actual, mask, box in zip(resampled_masks[:, 0], masks, preprocessing.boxes(images).tolist(), strict=True):
        expected = input_geometry.crop_window(*mask.shape, tuple(box)).to_input(255 * mask)
        assert np.array_equal(actual.numpy(), expected >= 128)
        assert actual.any()
