"""Lesion inpainting leaves a healthy head of the same scanner, and inpainting alone is no evidence of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from tests.fixtures.refusal import assert_refused
from tests.fixtures.round_head import COLUMNS, HEAD, HEALTHY, ROWS, SIDE, TUMOR, identical
from tests.fixtures.runs import equal
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.training import load_recipe, train
from tumorlens.training.augmentation.lesion_inpainting import LesionInpainting
from tumorlens.training.augmentation.tissue import inpaint
from tumorlens.training.checks import check_fit, needs_masks
from tumorlens.training.data_loading import SliceDataset, loaders
from tumorlens.training.image_cache import Masks


def head() -> Tensor:
    """A head of homogeneous tissue with a little texture, darker below, and a bright tumor on one side."""
    torch.manual_seed(0)
    tissue = 140 - 0.6 * ROWS + 4 * torch.randn(SIDE, SIDE)
    return torch.where(TUMOR, 220.0, tissue * HEAD).clamp(0, 255).to(torch.uint8)


def augmented(share: float, seed: int) -> tuple[Tensor, Tensor, int]:
    image = head()
    torch.manual_seed(seed)
    return LesionInpainting(share, HEALTHY)(image[None], tv_tensors.Mask(TUMOR.to(torch.uint8)[None]), 0)


def test_a_tumor_is_replaced_by_tissue_with_the_gray_level_of_its_surroundings() -> None:
    before = head()
    after = inpaint(before, TUMOR, TUMOR)
    assert after is not None
    around = (torch.hypot(ROWS - 40.0, COLUMNS - 62.0) < 16) & (torch.hypot(ROWS - 40.0, COLUMNS - 62.0) > 11)
    inside, level = after[TUMOR].float(), before[around].float().mean()
    assert abs(inside.mean() - level) < 5
    assert inside.max() < 160  # no tumor is left
    assert inside.std() > 1  # with the texture of tissue
    far = torch.hypot(ROWS - 40.0, COLUMNS - 62.0) > 14
    assert torch.equal(after[far], before[far])


def test_a_tumor_on_the_midline_is_not_filled_with_its_own_mirror_image() -> None:
    middle = torch.hypot(ROWS - 40.0, COLUMNS - 48.0) < 7
    after = inpaint(torch.where(middle, 220, torch.where(TUMOR, 100, head())).to(torch.uint8), middle, middle)
    assert after is not None
    assert after[middle].max() < 160


def test_an_image_without_suitable_tissue_is_unchanged() -> None:
    everything = HEAD & (COLUMNS > 20)
    assert inpaint(head(), everything, everything) is None
    torch.manual_seed(0)
    mask = tv_tensors.Mask(everything.to(torch.uint8)[None])
    image, kept, label = LesionInpainting(0.5, HEALTHY)(head()[None], mask, 0)
    assert torch.equal(image[0], head())
    assert torch.equal(kept, mask)
    assert label == 0


def test_half_of_the_inpainted_images_lose_their_tumor_and_the_others_keep_it() -> None:
    before, lost, sham, unchanged = head(), 0, 0, 0
    for seed in range(60):
        image, mask, label = augmented(0.25, seed)
        assert isinstance(mask, tv_tensors.Mask)
        if label == HEALTHY:
            lost += 1
            assert not mask.any()
            assert image[0][TUMOR].max() < 160
        else:
            assert torch.equal(mask[0].bool(), TUMOR)
            assert torch.equal(image[0][TUMOR], before[TUMOR])
            sham += not torch.equal(image[0], before)
            unchanged += torch.equal(image[0], before)
    assert 8 <= lost <= 22  # a quarter of 60
    assert 8 <= sham <= 22
    assert lost + sham + unchanged == 60


@pytest.mark.parametrize("seed", range(6))
def test_the_same_seed_gives_the_same_augmentation(seed: int) -> None:
    assert identical(augmented(0.4, seed), augmented(0.4, seed))


def test_another_seed_gives_another_augmentation() -> None:
    first = augmented(0.4, 0)
    assert not all(identical(first, augmented(0.4, seed)) for seed in range(1, 20))


def test_a_batch_has_the_healthy_label_with_the_empty_mask(phantom_table: Table) -> None:
    images = np.stack([head().numpy()] * len(phantom_table))
    arrays = np.stack([TUMOR.numpy().astype(np.uint8)] * len(phantom_table))
    masks = Masks(arrays, np.full(len(phantom_table), True))
    recipe = load_recipe("segment", ["augment={lesion_inpainting: 0.5}", "batch_size=4"])
    batches, _ = loaders(phantom_table, images, masks, recipe, seed=0)
    healthy = phantom_table.classes.index("no_tumor")
    assert isinstance(batches.dataset, SliceDataset)
    for position in range(len(batches.dataset)):
        example = batches.dataset[position, 17 * position]
        assert example.mask is not None
        assert example.has_mask
        if not example.mask.any():
            assert example.label == healthy


def test_a_run_with_it_is_reproducible_and_differs_from_one_without(phantom_table: Table, tmp_path: Path) -> None:
    small = [
        "input.size=32",
        "epochs=1",
        "batch_size=4",
        "loss.segmentation=0",
        "pretrained=none",
        "augment={lesion_inpainting: 0.5}",
    ]
    recipe = load_recipe("segment", small)
    assert needs_masks(recipe)
    one, two = (train(phantom_table, recipe, tmp_path / name) for name in ("one", "two"))
    assert equal(one, two)
    without = train(phantom_table, load_recipe("segment", [*small, "augment={}"]), tmp_path / "without")
    assert not equal(one, without)


def test_it_needs_masks_and_a_healthy_class(phantom_table: Table) -> None:
    recipe = load_recipe("finetune", ["augment.lesion_inpainting=0.2"])
    bare = tuple(replace(sample, mask=None) for sample in phantom_table.samples)
    with assert_refused(RecipeError, found="augment.lesion_inpainting is above 0, but none of the .* training images"):
        check_fit(replace(phantom_table, samples=bare), recipe)
    ill = phantom_table.filter(lambda sample: sample.label != "no_tumor")
    ill = replace(ill, classes=tuple(name for name in ill.classes if name != "no_tumor"))
    with assert_refused(RecipeError, found="has no class for healthy images, only glioma, meningioma, pituitary"):
        check_fit(ill, recipe)
