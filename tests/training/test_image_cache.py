"""Images and masks are decoded once, and the cache never returns the array of other data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample, Table
from tumorlens.errors import DataError, ScanError
from tumorlens.models import Preprocessing
from tumorlens.scan import InputGeometry
from tumorlens.training import cached_images, resample_scan
from tumorlens.training import image_cache as cache
from tumorlens.training.image_cache import cached_masks

HALF = (0.5, 0.5, 0.5)


def _preprocessing(size: int = 16) -> Preprocessing:
    return Preprocessing(InputGeometry(size), 1, HALF, HALF)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Eight gray images of different sizes, and a cache of their own."""
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    samples = []
    for i in range(8):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (20 + i, 30), dtype=np.uint8)).save(path)
        samples.append(Sample(f"set/{i}", path, "a" if i % 2 else "b"))
    return Table("set", tuple(samples), ("a", "b"))


def test_images_come_in_the_order_of_the_table(table: Table) -> None:
    images = cached_images(table, _preprocessing())
    assert images.shape == (8, 16, 16)
    assert images.dtype == np.uint8
    for image, sample in zip(images, table.samples, strict=True):
        assert np.array_equal(image, resample_scan(sample, _preprocessing()))


def test_the_second_call_maps_the_file_of_the_first_call(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cached_images(table, _preprocessing())
    monkeypatch.setattr(cache, "read_scan", None)  # decoding again would fail
    second = cached_images(table, _preprocessing())
    assert isinstance(second, np.memmap)
    assert np.array_equal(first, second)
    assert len(list(cache.cache_folder().iterdir())) == 1


def test_a_changed_image_is_decoded_again(table: Table) -> None:
    before = np.array(cached_images(table, _preprocessing()))
    Image.new("L", (30, 20), 7).save(table.samples[0].image)
    after = cached_images(table, _preprocessing())
    assert after[0].max() == 7
    assert np.array_equal(after[1:], before[1:])


def test_another_input_size_and_another_subset_are_other_arrays(table: Table) -> None:
    assert cached_images(table, _preprocessing(16)).shape == (8, 16, 16)
    assert cached_images(table, _preprocessing(32)).shape == (8, 32, 32)
    assert cached_images(replace(table, samples=table.samples[:3]), _preprocessing(16)).shape == (3, 16, 16)


def test_progress_counts_to_the_end(table: Table) -> None:
    steps: list[tuple[str, int, int | None]] = []
    cached_images(table, _preprocessing(), progress=lambda *step: steps.append(step))
    assert steps == [("decoding images", i, 8) for i in range(1, 9)]


def test_unreadable_files_are_listed_and_nothing_is_cached(table: Table) -> None:
    for i in (2, 5):
        table.samples[i].image.write_bytes(b"not an image")
    with assert_refused(DataError, file=r"2\.png$", found=r"nor can 5\.png be read", advice="remove"):
        cached_images(table, _preprocessing())
    assert not cache.cache_folder().exists()


def test_a_stack_of_slices_is_refused(table: Table) -> None:
    path = table.samples[0].image.with_name("stack.tif")
    pages = [Image.new("L", (30, 20), i) for i in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with assert_refused(ScanError, found="a stack of 3 slices", expected="one slice per file"):
        resample_scan(replace(table.samples[0], image=path), _preprocessing())


@pytest.fixture
def masked(table: Table) -> Table:
    """The same images: the bright half of the first two is a tumor, the third has an empty mask, the last two are
    healthy."""
    samples = []
    for i, sample in enumerate(table.samples):
        gray = np.zeros((20 + i, 30), np.uint8)
        mask = sample.image.with_name(f"mask-{i}.png")
        if i < 2:
            gray[:, 15:] = 255
        if i < 3:
            Image.fromarray(gray).save(mask)
        samples.append(replace(sample, label="no_tumor" if i > 5 else "glioma", mask=mask if i < 3 else None))
    return Table("set", tuple(samples), ("glioma", "no_tumor"))


def test_masks_come_in_the_order_of_the_table_with_those_that_are_known(masked: Table) -> None:
    masks = cached_masks(masked, _preprocessing())
    assert masks.arrays.shape == (8, 16, 16)
    assert masks.arrays.dtype == np.uint8
    assert masks.arrays.any((1, 2)).tolist() == [True, True] + [False] * 6
    assert masks.known.tolist() == [True] * 3 + [False] * 3 + [True] * 2  # a healthy image has an empty mask
    assert masks.arrays[0, 8, 8:].all()
    assert not masks.arrays[0, :, :8].any()


def test_a_mask_is_resampled_like_its_image_also_with_a_head_crop(masked: Table) -> None:
    head = np.zeros((60, 80), np.uint8)
    head[10:40, 20:45] = 90
    spot = head.copy()
    spot[20:28, 30:38] = 250
    first = masked.samples[0]
    Image.fromarray(spot).save(first.image)
    assert first.mask
    Image.fromarray((spot > 200).astype(np.uint8)).save(first.mask)
    preprocessing = Preprocessing(InputGeometry(64, crop="head"), 1, HALF, HALF)
    image, mask = cached_images(masked, preprocessing)[0], cached_masks(masked, preprocessing).arrays[0]
    assert mask.sum() > 100  # larger than its 64 pixels in the image: the head fills the input
    assert ((image > 170) != (mask > 0)).mean() < 0.02


def test_changed_masks_are_decoded_again_and_their_images_are_not(masked: Table) -> None:
    before = np.array(cached_masks(masked, _preprocessing()).arrays)
    cached_images(masked, _preprocessing())
    arrays = set(cache.cache_folder().iterdir())
    assert masked.samples[2].mask
    Image.new("L", (30, 22), 1).save(masked.samples[2].mask)
    after = cached_masks(masked, _preprocessing()).arrays
    cached_images(masked, _preprocessing())
    assert after[2].any()
    assert np.array_equal(after[[0, 1, *range(3, 8)]], before[[0, 1, *range(3, 8)]])
    assert len(set(cache.cache_folder().iterdir()) - arrays) == 1


def test_the_error_for_a_mask_of_another_size_names_the_file(masked: Table) -> None:
    assert masked.samples[1].mask
    Image.new("L", (31, 21), 1).save(masked.samples[1].mask)
    with assert_refused(
        DataError, file=r"mask-1\.png$", found=r"is 31 x 21 pixels, but its image .*1\.png has 30 x 21"
    ):
        cached_masks(masked, _preprocessing())
