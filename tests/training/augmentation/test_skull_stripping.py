"""Skull stripping removes the outer layer of a head, never its tumor, and enlarges what is left."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from tests.fixtures.round_head import COLUMNS, HEAD, ROWS, SIDE, TUMOR
from tumorlens.datasets import Table
from tumorlens.training import load_recipe
from tumorlens.training.augmentation.skull_stripping import SkullStripping
from tumorlens.training.data_loading import loaders

RADIUS = torch.hypot(ROWS - 48.0, COLUMNS - 48.0)
SKULL = (RADIUS < 40) & (RADIUS > 37)


def head() -> Tensor:
    """Gray brain below a bright skull, with a tumor of its own gray value."""
    image = torch.where(HEAD, 120, 0)
    return torch.where(TUMOR, 200, torch.where(SKULL, 250, image)).to(torch.uint8)[None]


def stripped(seed: int, mask: Tensor | None, share: float = 1.0) -> tuple[Tensor, Tensor | None]:
    torch.manual_seed(seed)
    return SkullStripping(share)(head(), mask)


@pytest.mark.parametrize("seed", range(5))
def test_the_skull_is_removed_and_the_brain_fills_the_image(seed: int) -> None:
    image, mask = stripped(seed, None)
    assert mask is None
    assert image.shape == (1, SIDE, SIDE)
    assert image.dtype == torch.uint8
    assert image.max() < 225  # the tumor, at most
    rows = torch.where((image[0] > 60).any(1))[0]
    assert rows[-1] - rows[0] > 0.85 * SIDE
    assert image[0, 0, 0] == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_tumor_is_kept_also_below_the_skull_and_its_mask_moves_with_it(seed: int) -> None:
    tumor = torch.hypot(ROWS - 48.0, COLUMNS - 84.0) < 4  # in the layer that is removed
    image = torch.where(tumor, 200, head()[0]).to(torch.uint8)[None]
    torch.manual_seed(seed)
    changed, mask = SkullStripping(1.0)(image, tv_tensors.Mask(tumor.to(torch.uint8)[None]))
    assert isinstance(mask, tv_tensors.Mask)
    assert mask.sum() > tumor.sum()  # enlarged with the brain
    assert changed[mask > 0].float().median() == 200


def test_the_thickness_differs_and_some_heads_are_left_as_they_are() -> None:
    sizes = {int((stripped(seed, None)[0] > 60).sum()) for seed in range(8)}
    assert len(sizes) > 3
    same = [torch.equal(stripped(seed, None, share=0.5)[0], head()) for seed in range(40)]
    assert 10 < sum(same) < 30


def test_an_image_without_a_head_is_left_as_it_is() -> None:
    empty = torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    assert torch.equal(SkullStripping(1.0)(empty, None)[0], empty)


def test_training_images_are_stripped_and_validation_images_are_not(phantom_table: Table) -> None:
    import numpy as np

    images = np.repeat(head().numpy(), len(phantom_table), axis=0)
    recipe = load_recipe("demo", ["augment.skull_stripping=1.0", "augment.gamma=[1, 1]"])
    fit, check = loaders(phantom_table, images, None, recipe, seed=0)
    assert check is not None
    assert all((image.max() < 225) for batch in fit for image in batch.images)
    assert all(torch.equal(image, head()) for batch in check for image in batch.images)
