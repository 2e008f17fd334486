"""Pictures are decoded once, and never a wrong array is found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.datasets import Sample, Table
from tumorlens.errors import DataError, ScanError
from tumorlens.models import Prepare
from tumorlens.scan import Canvas
from tumorlens.training import cache, cached_images, place_scan

HALF = (0.5, 0.5, 0.5)


def _prepare(size: int = 16) -> Prepare:
    return Prepare(Canvas(size), 1, HALF, HALF)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Eight grey pictures of different sizes, and a cache of their own."""
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    samples = []
    for i in range(8):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (20 + i, 30), dtype=np.uint8)).save(path)
        samples.append(Sample(f"set/{i}", path, "a" if i % 2 else "b"))
    return Table("set", tuple(samples), ("a", "b"))


def test_pictures_come_in_the_order_of_the_table(table: Table) -> None:
    images = cached_images(table, _prepare())
    assert images.shape == (8, 16, 16)
    assert images.dtype == np.uint8
    for image, sample in zip(images, table.samples, strict=True):
        assert np.array_equal(image, place_scan(sample, _prepare()))


def test_the_second_call_maps_the_file_of_the_first(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cached_images(table, _prepare())
    monkeypatch.setattr(cache, "read_scan", None)  # decoding again would fail
    second = cached_images(table, _prepare())
    assert isinstance(second, np.memmap)
    assert np.array_equal(first, second)
    assert len(list(cache.cache_folder().iterdir())) == 1


def test_a_changed_picture_is_decoded_anew(table: Table) -> None:
    before = np.array(cached_images(table, _prepare()))
    Image.new("L", (30, 20), 7).save(table.samples[0].image)
    after = cached_images(table, _prepare())
    assert after[0].max() == 7
    assert np.array_equal(after[1:], before[1:])


def test_another_canvas_and_another_part_are_other_arrays(table: Table) -> None:
    assert cached_images(table, _prepare(16)).shape == (8, 16, 16)
    assert cached_images(table, _prepare(32)).shape == (8, 32, 32)
    assert cached_images(replace(table, samples=table.samples[:3]), _prepare(16)).shape == (3, 16, 16)


def test_progress_counts_to_the_end(table: Table) -> None:
    seen: list[tuple[int, int]] = []
    cached_images(table, _prepare(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 8) for i in range(1, 9)]


def test_unreadable_files_are_named_and_nothing_is_kept(table: Table) -> None:
    for i in (2, 5):
        table.samples[i].image.write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"2\.png: .*nor can 5\.png be read; remove them") as caught:
        cached_images(table, _prepare())
    assert "\n" not in str(caught.value)
    assert not cache.cache_folder().exists()


def test_a_stack_of_slices_is_no_picture(table: Table) -> None:
    path = table.samples[0].image.with_name("stack.tif")
    pages = [Image.new("L", (30, 20), i) for i in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with pytest.raises(ScanError, match="a stack of 3 slices; expected one slice a file"):
        place_scan(replace(table.samples[0], image=path), _prepare())


def test_the_cache_lies_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUMORLENS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "tumorlens"
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "mine"))
    assert cache.cache_folder() == tmp_path / "mine"
