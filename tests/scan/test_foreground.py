"""The head is found generously, before any even background, and nothing else is taken for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tumorlens.datasets import Table, open_table
from tumorlens.errors import MissingExtraError
from tumorlens.scan import read_mask, read_scan
from tumorlens.scan.foreground import background_level, head_mask, head_masks

DATA = Path(__file__).parents[3] / "shared" / "data"


def head(height: int = 200, width: int = 160, *, gray: int = 110, background: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An image of an oval head with a bright skull and a dark one inside it, and where it is."""
    rows, columns = np.mgrid[:height, :width]
    radius = np.hypot((rows - height / 2) / (0.35 * height), (columns - width / 2) / (0.3 * width))
    image = np.full((height, width), background, dtype=np.uint8)
    image[radius < 1] = gray
    image[(radius < 0.92) & (radius > 0.86)] = background  # bone is as dark as the background
    return image, radius < 1


@pytest.mark.parametrize("background", [0, 12, 30, 255])
def test_all_of_the_head_is_found_and_little_beyond_it(background: int) -> None:
    image, true = head(background=background)
    found = head_mask(image)
    assert found.shape == image.shape
    assert not (true & ~found).any()
    assert found.sum() < 1.35 * true.sum()
    assert background_level(image) == background


def test_letters_and_noise_are_no_head() -> None:
    image, true = head()
    image += np.random.default_rng(0).integers(0, 6, image.shape, dtype=np.uint8)
    image[4:14, 4:24] = 255
    found = head_mask(image)
    assert not found[:20, :30].any()
    assert found[true].all()
    assert found.sum() < 1.35 * true.sum()


def test_brightness_and_contrast_change_nothing() -> None:
    image, _ = head(gray=200)
    found = head_mask(image)
    assert np.array_equal(head_mask(image // 2), found)
    assert np.array_equal(head_mask(image // 2 + 60), found)


@pytest.mark.parametrize("size", [(1, 9), (3, 3), (40, 700), (512, 512)])
def test_where_nothing_stands_out_everything_is_head(size: tuple[int, int]) -> None:
    assert head_mask(np.full(size, 37, np.uint8)).all()
    assert background_level(np.full(size, 37, np.uint8)) == 37


def test_no_phantom_loses_a_pixel_of_its_tumor(phantom_table: Table) -> None:
    outlined = [sample for sample in phantom_table.samples if sample.mask]
    assert len(outlined) == 18
    for sample in outlined:
        assert sample.mask is not None
        found = head_mask(read_scan(sample.image).gray_slice())
        assert found[read_mask(sample.mask) > 0].all()
        assert not found.all()


def test_many_drawings_at_once_are_as_each_alone() -> None:
    frames = np.stack([head(64, 64, gray=gray)[0] for gray in (40, 120, 250)])
    assert np.array_equal(head_masks(frames), np.concatenate([head_masks(frame[None]) for frame in frames]))


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r'scipy is needed to find the head .*"tumorlens\[train\]"'):
        head_mask(np.zeros((20, 20), np.uint8))


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not there")
def test_no_real_tumor_is_cut() -> None:
    for sample in open_table(DATA / "figshare").samples[::16]:  # of all 3,064 none loses a pixel
        assert sample.mask is not None
        assert head_mask(read_scan(sample.image).gray_slice())[read_mask(sample.mask) > 0].all(), sample.id
