"""A tumor pasted into a healthy head brings its class and its mask, and a seam alone is no evidence of a tumor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors

from tests.fixtures.refusal import assert_refused
from tests.fixtures.round_head import COLUMNS, HEAD, HEALTHY, ROWS, SIDE, TUMOR, identical
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.training import load_recipe
from tumorlens.training.augmentation.lesion_augmentation import LesionAugmentation
from tumorlens.training.augmentation.lesion_copy_paste import LesionCopyPaste, LesionSources
from tumorlens.training.checks import check_fit, needs_masks
from tumorlens.training.data_loading import SliceDataset, loaders
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Augment

GLIOMA = 0


def head(level: float) -> Tensor:
    torch.manual_seed(0)
    return ((level + 4 * torch.randn(SIDE, SIDE)) * HEAD).clamp(0, 255).to(torch.uint8)


SOURCE = torch.where(TUMOR, 200, head(100)).to(torch.uint8)
NOTHING = tv_tensors.Mask(torch.zeros(1, SIDE, SIDE, dtype=torch.uint8))


def copy_paste(share: float, *, tumor: Tensor = TUMOR) -> LesionCopyPaste:
    masks = tumor.to(torch.uint8).numpy()[None]
    images = SOURCE.numpy()[None]
    return LesionCopyPaste(share, images, masks, LesionSources.of(images, [GLIOMA], [0]))


def augmented(share: float, seed: int, level: float = 60) -> tuple[Tensor, Tensor, int]:
    torch.manual_seed(seed)
    image = head(level)
    torch.manual_seed(seed)
    return copy_paste(share)(image[None], NOTHING, HEALTHY)


def test_a_pasted_tumor_has_about_its_original_contrast() -> None:
    """It is twice as bright as the tissue of its own head, and so in a darker head, except for the random factor."""
    contrasts = []
    for seed in range(40):
        image, mask, label = augmented(0.5, seed)
        if label == HEALTHY:
            continue
        assert label == GLIOMA
        assert isinstance(mask, tv_tensors.Mask)
        pasted = mask[0].bool()
        assert pasted.sum() == TUMOR.sum()
        far = ~torch.nn.functional.max_pool2d(mask[0].float()[None], 13, 1, 6)[0].bool()
        assert torch.equal(image[0][far], head(60)[far])
        contrasts.append(float(image[0][pasted].float().mean()) / 60 - 1)
    assert 10 <= len(contrasts) <= 30
    assert min(contrasts) > 0.5
    assert max(contrasts) < 1.5
    assert np.ptp(contrasts) > 0.3


def test_as_many_images_are_inpainted_and_stay_healthy() -> None:
    pasted, sham, unchanged = 0, 0, 0
    for seed in range(80):
        image, mask, label = augmented(0.25, seed)
        same = torch.equal(image[0], head(60))
        pasted += label == GLIOMA
        sham += label == HEALTHY and not same
        unchanged += same
        if label == HEALTHY:
            assert not mask.any()
            assert image.max() < 90  # no tumor
    assert 10 <= pasted <= 30
    assert 10 <= sham <= 30
    assert pasted + sham + unchanged == 80


@pytest.mark.parametrize("seed", range(6))
def test_the_same_seed_gives_the_same_augmentation(seed: int) -> None:
    assert identical(augmented(0.4, seed), augmented(0.4, seed))


def test_another_seed_gives_another_augmentation() -> None:
    first = augmented(0.4, 0)
    assert not all(identical(first, augmented(0.4, seed)) for seed in range(1, 20))


def test_a_head_in_which_the_tumor_does_not_fit_is_unchanged() -> None:
    beside = torch.hypot(ROWS - 8.0, COLUMNS - 8.0) < 7
    for seed in range(10):
        torch.manual_seed(seed)
        image, mask, label = copy_paste(0.5, tumor=beside)(head(60)[None], NOTHING, HEALTHY)
        assert torch.equal(image[0], head(60))
        assert not mask.any()
        assert label == HEALTHY


def test_the_source_is_similar_to_the_head() -> None:
    """Of two sources with the same tumor, one of them upside down, the one of the same shape is used."""
    egg = (torch.hypot((ROWS - 48.0) / 1.2, (COLUMNS - 48.0) * (1.3 - ROWS / 160)) < 38) * 100
    images = torch.stack([egg.flip(0), egg]).to(torch.uint8)
    images[:, TUMOR] = torch.tensor([150, 250], dtype=torch.uint8)[:, None]
    masks = np.stack([TUMOR.to(torch.uint8).numpy()] * 2)
    transform = LesionCopyPaste(0.5, images.numpy(), masks, LesionSources.of(images.numpy(), [GLIOMA, GLIOMA], [0, 1]))
    levels = []
    for seed in range(20):
        torch.manual_seed(seed)
        image, mask, label = transform(egg.to(torch.uint8)[None], NOTHING, HEALTHY)
        if label == GLIOMA:
            levels.append(float(image[0][mask[0] > 0].float().mean()))
    assert len(levels) > 3
    # 150 around 100 becomes 120 to 170, and 250 becomes 190 to 255.
    assert min(levels) > 180


def test_sources_are_training_images_with_a_tumor_mask(phantom_table: Table) -> None:
    count, labels = len(phantom_table), phantom_table.labels
    images, masks = np.zeros((count, 8, 8), np.uint8), np.ones((count, 8, 8), np.uint8)
    healthy = phantom_table.classes.index("no_tumor")
    rows = [i for i, sample in enumerate(phantom_table.samples) if sample.split == "train"]
    masks[rows[0]] = 0
    transform = LesionAugmentation.of(
        Augment(lesion_copy_paste=0.2), phantom_table, images, Masks(masks, np.full(count, True)), rows
    )
    sources = transform.copy_paste.sources
    assert sources.rows == [row for row in rows[1:] if labels[row] != healthy]
    assert sources.labels == [labels[row] for row in sources.rows]


def test_a_batch_has_the_new_label_with_the_new_mask(phantom_table: Table) -> None:
    """Images with a tumor are unchanged without lesion inpainting."""
    healthy = phantom_table.classes.index("no_tumor")
    has_tumor = [label != healthy for label in phantom_table.labels]
    images = np.stack([SOURCE.numpy() if tumor else head(60).numpy() for tumor in has_tumor])
    masks = np.stack([TUMOR.numpy().astype(np.uint8) * tumor for tumor in has_tumor])
    recipe = load_recipe("segment", ["augment={lesion_copy_paste: 0.5}", "batch_size=4"])
    batches, _ = loaders(phantom_table, images, Masks(masks, np.full(len(has_tumor), True)), recipe, seed=0)
    assert isinstance(batches.dataset, SliceDataset)
    pasted = 0
    for position, row in enumerate(batches.dataset.rows):
        example = batches.dataset[position, 17 * position]
        assert example.mask is not None
        assert example.mask.any() == (example.label != healthy)
        if has_tumor[row]:
            assert example.label == phantom_table.labels[row]
            assert np.array_equal(example.image[0].numpy(), images[row])
        else:
            pasted += example.label != healthy
    assert pasted


def test_it_needs_masks_and_a_healthy_class(phantom_table: Table) -> None:
    recipe = load_recipe("finetune", ["augment.lesion_copy_paste=0.2"])
    assert needs_masks(recipe)
    bare = tuple(replace(sample, mask=None) for sample in phantom_table.samples)
    with assert_refused(RecipeError, found="augment.lesion_copy_paste is above 0, but none of the .* training images"):
        check_fit(replace(phantom_table, samples=bare), recipe)
    ill = phantom_table.filter(lambda sample: sample.label != "no_tumor")
    ill = replace(ill, classes=tuple(name for name in ill.classes if name != "no_tumor"))
    both = load_recipe("finetune", ["augment.lesion_copy_paste=0.2", "augment.lesion_inpainting=0.1"])
    with assert_refused(
        RecipeError, found="lesion_inpainting is above 0 and augment.lesion_copy_paste is above 0, but .* has no class"
    ):
        check_fit(ill, both)
