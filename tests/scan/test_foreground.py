"""The head is segmented completely on any uniform background, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tumorlens.datasets import Table, open_table
from tumorlens.scan import read_mask, read_scan
from tumorlens.scan.foreground import background_level, head_mask, head_masks

DATA = Path(__file__).parents[3] / "shared" / "data"


def head(height: int = 200, width: int = 160, *, gray: int = 110, background: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An image of an oval head with a dark skull, and its mask."""
    rows, columns = np.mgrid[:height, :width]
    radius = np.hypot((rows - height / 2) / (0.35 * height), (columns - width / 2) / (0.3 * width))
    image = np.full((height, width), background, dtype=np.uint8)
    image[radius < 1] = gray
    image[(radius < 0.92) & (radius > 0.86)] = background  # bone is as dark as the background
    return image, radius < 1


@pytest.mark.parametrize("background", [0, 12, 30, 255])
def test_the_mask_covers_the_head_and_little_more(background: int) -> None:
    image, reference = head(background=background)
    mask = head_mask(image)
    assert mask.shape == image.shape
    assert not (reference & ~mask).any()
    assert mask.sum() < 1.35 * reference.sum()
    assert background_level(image) == background


def test_letters_and_noise_are_not_part_of_the_head() -> None:
    image, reference = head()
    image += np.random.default_rng(0).integers(0, 6, image.shape, dtype=np.uint8)
    image[4:14, 4:24] = 255
    mask = head_mask(image)
    assert not mask[:20, :30].any()
    assert mask[reference].all()
    assert mask.sum() < 1.35 * reference.sum()


def test_the_mask_does_not_depend_on_brightness_and_contrast() -> None:
    image, _ = head(gray=200)
    mask = head_mask(image)
    assert np.array_equal(head_mask(image // 2), mask)
    assert np.array_equal(head_mask(image // 2 + 60), mask)


@pytest.mark.parametrize("size", [(1, 9), (3, 3), (40, 700), (512, 512)])
def test_a_uniform_image_is_all_head(size: tuple[int, int]) -> None:
    assert head_mask(np.full(size, 37, np.uint8)).all()
    assert background_level(np.full(size, 37, np.uint8)) == 37


def test_the_mask_covers_the_tumor_of_every_phantom(phantom_table: Table) -> None:
    outlined = [sample for sample in phantom_table.samples if sample.mask]
    assert len(outlined) == 18
    for sample in outlined:
        assert sample.mask is not None
        mask = head_mask(read_scan(sample.image).gray_slice())
        assert mask[read_mask(sample.mask) > 0].all()
        assert not mask.all()


def test_many_thumbnails_at_once_give_the_same_masks_as_one_by_one() -> None:
    thumbnails = np.stack([head(64, 64, gray=gray)[0] for gray in (40, 120, 250)])
    assert np.array_equal(head_masks(thumbnails), np.concatenate([head_masks(one[None]) for one in thumbnails]))


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is missing")
def test_the_mask_covers_every_tumor_of_figshare() -> None:
    for sample in open_table(DATA / "figshare").samples[::16]:  # of all 3,064 none loses a pixel
        assert sample.mask is not None
        assert head_mask(read_scan(sample.image).gray_slice())[read_mask(sample.mask) > 0].all(), sample.id
