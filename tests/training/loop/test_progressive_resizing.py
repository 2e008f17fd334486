"""Progressive resizing: image sizes increase to the full one, and masks are downsampled with their images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.training import load_recipe, train
from tumorlens.training.data_loading import Batch
from tumorlens.training.loop.progressive_resizing import downsampled, image_size
from tumorlens.training.loop.supervised_task import SupervisedTask
from tumorlens.training.recipe import ProgressiveResizing


def test_sizes_increase_in_equal_steps_of_32_to_the_full_one() -> None:
    sizes = [image_size(ProgressiveResizing(size=128, until=0.6), 224, epoch, 10) for epoch in range(10)]
    assert sizes == [128, 128, 160, 160, 192, 192, 224, 224, 224, 224]
    assert [image_size(ProgressiveResizing(size=64, until=1.0), 150, epoch, 4) for epoch in range(5)] == [
        64,
        64,
        96,
        128,
        150,
    ]


@pytest.mark.parametrize("size", [None, 224])
def test_without_a_smaller_size_all_epochs_have_the_full_one(size: int | None) -> None:
    assert {image_size(ProgressiveResizing(size=size), 224, epoch, 10) for epoch in range(10)} == {224}


def test_a_mask_is_downsampled_with_its_image_and_stays_binary() -> None:
    images = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    images[0, :, 16:48, 8:24] = 200
    masks = (images > 0).to(torch.uint8)
    small = downsampled(Batch(images, torch.tensor([0, 1]), masks, torch.ones(2, dtype=torch.bool)), 32)
    assert small.masks is not None
    assert small.images.shape == small.masks.shape == (2, 1, 32, 32)
    assert small.masks.dtype == torch.uint8
    assert torch.equal(small.masks[0, 0].nonzero().amin(0), torch.tensor([8, 4]))
    assert small.masks.sum() == 16 * 8
    assert torch.equal(small.masks > 0, small.images > 100)
    assert torch.equal(small.labels, torch.tensor([0, 1]))


def test_a_batch_of_that_size_is_unchanged() -> None:
    batch = Batch(torch.zeros(1, 1, 32, 32, dtype=torch.uint8), torch.tensor([0]))
    assert downsampled(batch, 32) is batch
    assert downsampled(batch, 16).masks is None


def test_a_run_trains_on_small_images_first_and_validates_on_full_ones(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: dict[bool, list[int]] = {True: [], False: []}
    forward = SupervisedTask.forward

    def recorded(self: SupervisedTask, images: torch.Tensor) -> Any:
        sizes[self.training].append(images.shape[-1])
        return forward(self, images)

    monkeypatch.setattr(SupervisedTask, "forward", recorded)
    settings = [
        "input.size=96",
        "epochs=4",
        "batch_size=4",
        "progressive_resizing.size=32",
        "progressive_resizing.until=0.5",
    ]
    run = train(phantom_table, load_recipe("demo", settings), tmp_path / "run")
    assert list(np.unique(sizes[True])) == [32, 64, 96]
    assert sizes[True] == sorted(sizes[True])
    assert sizes[True].count(96) == len(sizes[True]) // 2
    assert set(sizes[False]) == {96}
    assert run.spec.preprocessing().input_geometry.size == 96


def test_a_first_size_above_the_full_one_is_refused() -> None:
    with assert_refused(
        RecipeError, found=r"recipe demo: progressive_resizing\.size is 256", expected=r"at most input\.size, 224$"
    ):
        load_recipe("demo", ["input.size=224", "progressive_resizing.size=256"])
