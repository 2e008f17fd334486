"""A tumor put into another head brings its class and its outline, and a seam by itself says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from tests.fixtures.round_head import COLUMNS, HEAD, HEALTHY, ROWS, SIDE, TUMOR, identical
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.training import load_recipe
from tumorlens.training.augmentation.lesion_augmentation import LesionAugmentation
from tumorlens.training.augmentation.lesion_copy_paste import LesionCopyPaste, LesionDonors
from tumorlens.training.checks import check_fit, needs_masks
from tumorlens.training.data_loading import SliceDataset, loaders
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Augment

GLIOMA = 0


def head(level: float) -> Tensor:
    torch.manual_seed(0)
    return ((level + 4 * torch.randn(SIDE, SIDE)) * HEAD).clamp(0, 255).to(torch.uint8)


DONOR = torch.where(TUMOR, 200, head(100)).to(torch.uint8)
NOTHING = tv_tensors.Mask(torch.zeros(1, SIDE, SIDE, dtype=torch.uint8))


def transplant(share: float, *, outline: Tensor = TUMOR) -> LesionCopyPaste:
    masks = outline.to(torch.uint8).numpy()[None]
    images = DONOR.numpy()[None]
    return LesionCopyPaste(share, images, masks, LesionDonors.of(images, [GLIOMA], [0]))


def changed(share: float, seed: int, level: float = 60) -> tuple[Tensor, Tensor, int]:
    torch.manual_seed(seed)
    image = head(level)
    torch.manual_seed(seed)
    return transplant(share)(image[None], NOTHING, HEALTHY)


def test_a_tumor_stands_out_from_the_other_head_about_as_it_did_from_its_own() -> None:
    """The donor's is twice as bright as its tissue, and so it is in a darker head, give or take the random strength."""
    strengths = []
    for seed in range(40):
        image, mask, label = changed(0.5, seed)
        if label == HEALTHY:
            continue
        assert label == GLIOMA
        assert isinstance(mask, tv_tensors.Mask)
        drawn = mask[0].bool()
        assert drawn.sum() == TUMOR.sum()
        far = ~torch.nn.functional.max_pool2d(mask[0].float()[None], 13, 1, 6)[0].bool()
        assert torch.equal(image[0][far], head(60)[far])
        strengths.append(float(image[0][drawn].float().mean()) / 60 - 1)
    assert 10 <= len(strengths) <= 30
    assert min(strengths) > 0.5
    assert max(strengths) < 1.5
    assert np.ptp(strengths) > 0.3


def test_as_many_are_filled_and_stay_healthy() -> None:
    got, sham, same = 0, 0, 0
    for seed in range(80):
        image, mask, label = changed(0.25, seed)
        untouched = torch.equal(image[0], head(60))
        got += label == GLIOMA
        sham += label == HEALTHY and not untouched
        same += untouched
        if label == HEALTHY:
            assert not mask.any()
            assert image.max() < 90  # nothing of a tumor
    assert 10 <= got <= 30
    assert 10 <= sham <= 30
    assert got + sham + same == 80


@pytest.mark.parametrize("seed", range(6))
def test_what_happens_to_a_head_follows_from_its_seed(seed: int) -> None:
    assert identical(changed(0.4, seed), changed(0.4, seed))


def test_another_seed_is_another_head() -> None:
    first = changed(0.4, 0)
    assert not all(identical(first, changed(0.4, seed)) for seed in range(1, 20))


def test_a_head_in_which_the_tumor_fits_nowhere_stays() -> None:
    beside = torch.hypot(ROWS - 8.0, COLUMNS - 8.0) < 7
    for seed in range(10):
        torch.manual_seed(seed)
        image, mask, label = transplant(0.5, outline=beside)(head(60)[None], NOTHING, HEALTHY)
        assert torch.equal(image[0], head(60))
        assert not mask.any()
        assert label == HEALTHY


def test_the_donor_is_like_the_head() -> None:
    """Of two with a tumor in the same place, one of them upside down, the one of the same shape is taken."""
    egg = (torch.hypot((ROWS - 48.0) / 1.2, (COLUMNS - 48.0) * (1.3 - ROWS / 160)) < 38) * 100
    images = torch.stack([egg.flip(0), egg]).to(torch.uint8)
    images[:, TUMOR] = torch.tensor([150, 250], dtype=torch.uint8)[:, None]
    masks = np.stack([TUMOR.to(torch.uint8).numpy()] * 2)
    put = LesionCopyPaste(0.5, images.numpy(), masks, LesionDonors.of(images.numpy(), [GLIOMA, GLIOMA], [0, 1]))
    seen = []
    for seed in range(20):
        torch.manual_seed(seed)
        image, mask, label = put(egg.to(torch.uint8)[None], NOTHING, HEALTHY)
        if label == GLIOMA:
            seen.append(float(image[0][mask[0] > 0].float().mean()))
    assert len(seen) > 3
    # 150 around 100 becomes 120 to 170, and 250 becomes 190 to 255.
    assert min(seen) > 180


def test_donors_are_training_images_with_an_outline(phantom_table: Table) -> None:
    count, labels = len(phantom_table), phantom_table.labels
    images, drawn = np.zeros((count, 8, 8), np.uint8), np.ones((count, 8, 8), np.uint8)
    healthy = phantom_table.classes.index("no_tumor")
    rows = [i for i, sample in enumerate(phantom_table.samples) if sample.split == "train"]
    drawn[rows[0]] = 0
    made = LesionAugmentation.of(
        Augment(lesion_copy_paste=0.2), phantom_table, images, Masks(drawn, np.full(count, True)), rows
    )
    donors = made.transplant.donors
    assert donors.rows == [row for row in rows[1:] if labels[row] != healthy]
    assert donors.labels == [labels[row] for row in donors.rows]


def test_a_batch_gives_the_new_label_with_the_new_mask(phantom_table: Table) -> None:
    """And images with a tumor stay as they are, where nothing is removed."""
    healthy = phantom_table.classes.index("no_tumor")
    ill = [label != healthy for label in phantom_table.labels]
    images = np.stack([DONOR.numpy() if tumor else head(60).numpy() for tumor in ill])
    drawn = np.stack([TUMOR.numpy().astype(np.uint8) * tumor for tumor in ill])
    recipe = load_recipe("segment", ["augment={lesion_copy_paste: 0.5}", "batch_size=4"])
    batches, _ = loaders(phantom_table, images, Masks(drawn, np.full(len(ill), True)), recipe, seed=0)
    assert isinstance(batches.dataset, SliceDataset)
    got = 0
    for position, row in enumerate(batches.dataset.rows):
        item = batches.dataset[position, 17 * position]
        assert item.mask is not None
        assert item.mask.any() == (item.label != healthy)
        if ill[row]:
            assert item.label == phantom_table.labels[row]
            assert np.array_equal(item.image[0].numpy(), images[row])
        else:
            got += item.label != healthy
    assert got


def test_it_needs_masks_and_healthy_heads(phantom_table: Table) -> None:
    recipe = load_recipe("finetune", ["augment.lesion_copy_paste=0.2"])
    assert needs_masks(recipe)
    bare = tuple(replace(sample, mask=None) for sample in phantom_table.samples)
    with pytest.raises(RecipeError, match=r"augment.lesion_copy_paste is above 0, but none of the .* training images"):
        check_fit(replace(phantom_table, samples=bare), recipe)
    ill = phantom_table.where(lambda sample: sample.label != "no_tumor")
    ill = replace(ill, classes=tuple(name for name in ill.classes if name != "no_tumor"))
    both = load_recipe("finetune", ["augment.lesion_copy_paste=0.2", "augment.lesion_inpainting=0.1"])
    with pytest.raises(
        RecipeError, match=r"lesion_inpainting is above 0 and augment.lesion_copy_paste is above 0, but .* has no class"
    ):
        check_fit(ill, both)
