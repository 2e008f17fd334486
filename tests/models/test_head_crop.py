"""The bounding box of the head does not depend on brightness, noise and text beside the head."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
import torch

from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, PhantomSlice, render_patient
from tumorlens.models.head_crop import _largest, head_boxes

Edges = tuple[int, int, int, int]


def box_of(image: np.ndarray) -> Edges:
    """Top, left, bottom, right."""
    top, left, height, width = head_boxes(torch.from_numpy(image.copy())[None])[0].tolist()
    return top, left, top + height, left + width


def disc(height: int, width: int, center: tuple[float, float], radius: float, gray: int = 120) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows + 0.5 - center[0], columns + 0.5 - center[1])
    return (gray * (distance < radius)).astype(np.uint8)


def whole(image: np.ndarray) -> Edges:
    return 0, 0, image.shape[0], image.shape[1]


@pytest.fixture(scope="module")
def heads() -> list[PhantomSlice]:
    """Three patients with tumors and one without, in each plane."""
    return [
        render_patient(label, 7 * i + j, plane=plane, slices=1, size=192)[0]
        for i, plane in enumerate(PLANES)
        for j, label in enumerate(PHANTOM_CLASSES)
    ]


@pytest.mark.parametrize("size", [(512, 512), (64, 64), (200, 301), (640, 320), (1300, 1000)], ids=str)
def test_the_box_touches_the_head_on_all_sides(size: tuple[int, int]) -> None:
    height, width = size
    center, radius = (0.55 * height, 0.45 * width), 0.3 * min(size)
    box = box_of(disc(height, width, center, radius))
    ends = (center[0] - radius, center[1] - radius, center[0] + radius, center[1] + radius)
    for edge, end, length in zip(box, ends, (height, width, height, width), strict=True):
        assert abs(edge - end) <= 1 + 2 * length / 128


def test_the_box_of_a_phantom_is_tight_and_contains_its_tumor(heads: list[PhantomSlice]) -> None:
    for head in heads:
        top, left, bottom, right = box_of(head.image)
        assert head.mask[top:bottom, left:right].sum() == head.mask.sum()
        rows, columns = np.nonzero(head.image > 60)
        tight = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        assert np.abs(np.subtract((top, left, bottom, right), tight)).max() <= 0.03 * 192


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda gray: 0.4 * gray,
        lambda gray: 40 + 0.6 * gray,
        lambda gray: 128 + 0.4 * (gray - 128),
        lambda gray: 1.6 * gray,
        lambda gray: 255 * (gray / 255) ** 1.4,
        lambda gray: gray + np.random.default_rng(0).normal(0, 8, gray.shape),
    ],
    ids=["dark", "bright", "flat", "saturated", "gamma", "noisy"],
)
def test_brightness_contrast_and_noise_do_not_move_the_box(corrupt, heads: list[PhantomSlice]) -> None:  # type: ignore[no-untyped-def]
    for head in heads:
        corrupted = np.clip(corrupt(head.image.astype(float)), 0, 255).astype(np.uint8)
        assert np.abs(np.subtract(box_of(corrupted), box_of(head.image))).max() <= 0.04 * 192


def test_text_lines_and_a_frame_beside_the_head_are_ignored() -> None:
    plain = disc(512, 512, (256, 256), 150)
    marked = plain.copy()
    marked[:, :2] = marked[:, -2:] = marked[:2] = marked[-2:] = 255
    marked[470:500:3, 20:60] = 255  # a word in each lower corner
    marked[470:500, 450:490:4] = 255
    marked[30:38, 200:300] = 255  # a scale
    assert box_of(marked) == box_of(plain)


def test_only_the_larger_of_two_objects_counts() -> None:
    head, other = disc(512, 512, (256, 300), 150), disc(512, 512, (80, 60), 40, gray=250)
    assert box_of(np.maximum(head, other)) == box_of(head)


def test_the_box_contains_the_scalp_even_if_a_dark_skull_separates_it_from_the_brain() -> None:
    center = (256, 256)
    scalp = disc(512, 512, center, 200, 250) - disc(512, 512, center, 190, 250)
    assert box_of(scalp + disc(512, 512, center, 170)) == box_of(disc(512, 512, center, 200, 250))


def test_without_a_head_the_box_is_the_whole_image() -> None:
    rng = np.random.default_rng(0)
    images = [np.full(shape, gray, np.uint8) for shape in ((1, 1), (1, 9), (70, 60)) for gray in (0, 255)]
    speck = disc(400, 300, (100, 100), 12)
    noise = rng.integers(0, 256, (300, 200), dtype=np.uint8)
    for image in (*images, speck, noise):
        assert box_of(image) == whole(image)


def test_a_batch_gives_the_boxes_of_its_images(heads: list[PhantomSlice]) -> None:
    images = torch.from_numpy(np.stack([head.image for head in heads]))
    together = head_boxes(images)
    assert together.dtype == torch.int64
    assert torch.equal(together, torch.cat([head_boxes(image[None]) for image in images]))


def test_a_winding_component_is_recognized_as_one() -> None:
    mask = torch.zeros(1, 128, 128)
    for row in range(0, 128, 8):  # a path that goes back and forth
        mask[0, row : row + 4] = 1
        mask[0, row : row + 8, (124 if row % 16 else 0) :][:, :4] = 1
    assert torch.equal(_largest(mask), mask)
    mask[0, 62:66] = 0  # cut in two, the upper part the larger
    mask[0, 120:] = 0
    upper = mask.clone()
    upper[0, 64:] = 0
    assert torch.equal(_largest(mask), upper)


def test_an_exported_graph_takes_other_steps_to_the_same_boxes(
    heads: list[PhantomSlice], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = torch.randint(0, 256, (12, 192, 192), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    spots = (noise > 250).to(torch.uint8) * 255
    images = torch.cat([torch.from_numpy(np.stack([head.image for head in heads])), noise, spots])
    expected = head_boxes(images)
    assert len(expected.unique(dim=0)) > 12
    monkeypatch.setattr("torch.onnx.is_in_onnx_export", lambda: True)
    pool = Mock(wraps=torch.nn.functional.max_pool2d)
    monkeypatch.setattr("torch.nn.functional.max_pool2d", pool)
    assert torch.equal(head_boxes(images), expected)
    assert {call.args[1] for call in pool.call_args_list} == {2, 3, 5}  # 2: to every second cell, always
