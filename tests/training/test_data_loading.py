"""The order and augmentation of batches depend on seed and epoch only."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from tumorlens.datasets import Table
from tumorlens.training import load_recipe
from tumorlens.training.augmentation.transforms import augmentation
from tumorlens.training.data_loading import Batch, SliceDataset, loader, loaders
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Augment

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
LABELS = list(range(12))
MASKS = Masks((IMAGES > 127).astype(np.uint8), np.arange(12) % 3 > 0)
NOISE = Augment(noise=0.2, hflip=0.5)


def _batches(
    epoch: int, *, batch_size: int = 4, seed: int = 0, train: bool = True, masks: Masks | None = None
) -> Batch:
    """All batches of an epoch as one."""
    data = SliceDataset(IMAGES, range(12), LABELS, augmentation(NOISE) if train else None, masks)
    batches = loader(data, batch_size, seed, train=train)
    batches.sampler.set_epoch(epoch)  # as Lightning does
    return Batch(*(None if fields[0] is None else torch.cat(fields) for fields in zip(*batches, strict=True)))


def _epoch(epoch: int, *, batch_size: int = 4, seed: int = 0, train: bool = True) -> tuple[Tensor, list[int]]:
    batch = _batches(epoch, batch_size=batch_size, seed=seed, train=train)
    return batch.images, batch.labels.tolist()


@pytest.mark.parametrize("batch_size", [2, 3, 6])
def test_the_same_seed_and_epoch_give_the_same_images_with_any_batch_size(batch_size: int) -> None:
    images, labels = _epoch(3)
    again, same = _epoch(3, batch_size=batch_size)
    assert same == labels
    assert torch.equal(again, images)


def test_another_epoch_or_seed_has_another_order_and_other_augmentation() -> None:
    orders = [_epoch(0)[1], _epoch(1)[1], _epoch(0, seed=1)[1]]
    assert all(sorted(order) == LABELS for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    first, second = ({label: image for image, label in zip(*_epoch(e), strict=True)} for e in (0, 1))
    assert any(not torch.equal(first[label], second[label]) for label in LABELS)


def test_images_are_sampled_as_often_as_their_weights_say_and_as_many_in_every_epoch() -> None:
    data = SliceDataset(IMAGES, range(12), LABELS, None)
    weights = [0.25] * 4 + [1.0] * 4 + [2.5] * 4
    sampler = loader(data, 2, 0, train=True, weights=weights).sampler
    counts = np.zeros((40, 12))
    for epoch in range(40):
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert len(drawn) == len(sampler) == 15
        assert len({seed for _, seed in drawn}) == 15  # a repeated image is augmented in another way
        np.add.at(counts[epoch], [position for position, _ in drawn], 1)
    assert (np.abs(counts - weights) < 1).all()  # 2.5 is two or three times
    assert np.abs(counts.mean(0) - weights).max() < 0.25
    assert len({tuple(row) for row in counts}) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="processes are not forked")
def test_images_from_another_process_are_the_same() -> None:
    data = SliceDataset(IMAGES, range(12), LABELS, augmentation(NOISE), MASKS)
    weights = [0.5, 2.0] * 6
    for epoch in (0, 3):
        found = []
        for workers in (0, 1):
            batches = loader(data, 5, 0, train=True, workers=workers, weights=weights)
            batches.sampler.set_epoch(epoch)
            found.append([torch.cat(fields) for fields in zip(*batches, strict=True)])
        assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_equal_weights_change_nothing() -> None:
    data = SliceDataset(IMAGES, range(12), LABELS, None)
    plain, weighted = (loader(data, 2, 0, train=True, weights=w).sampler for w in (None, [1.0] * 12))
    assert list(weighted) == list(plain)


def test_loading_images_does_not_change_the_global_generator() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    data = SliceDataset(IMAGES, range(12), LABELS, augmentation(NOISE))
    _ = [data[(i, i)] for i in range(12)]
    assert torch.equal(torch.get_rng_state(), before)


def test_validation_images_are_in_order_and_not_augmented() -> None:
    images, labels = _epoch(0, batch_size=5, train=False)
    assert labels == LABELS
    assert np.array_equal(images[:, 0].numpy(), IMAGES)


def test_training_drops_an_incomplete_batch_unless_it_is_the_only_one() -> None:
    assert len(_epoch(0, batch_size=5)[1]) == 10
    assert len(_epoch(0, batch_size=64)[1]) == 12


def test_each_subset_has_its_own_rows(phantom_table: Table) -> None:
    images = np.arange(len(phantom_table), dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    fit, check = loaders(phantom_table, images, None, load_recipe("demo", ["augment.gamma=[1, 1]"]), seed=0)
    assert check is not None
    for subset, batches in (("train", fit), ("val", check)):
        rows = {i for i, s in enumerate(phantom_table.samples) if s.split == subset}
        for batch in batches:
            loaded = batch.images.amax((1, 2, 3)).tolist()
            assert set(loaded) == rows
            assert [phantom_table.labels[row] for row in loaded] == batch.labels.tolist()


def test_masks_are_augmented_with_their_images_and_do_not_change_them() -> None:
    plain, batch = _batches(2), _batches(2, masks=MASKS)
    assert plain.masks is plain.has_mask is None
    assert torch.equal(batch.images, plain.images)  # the same random numbers as without masks
    assert torch.equal(batch.labels, plain.labels)
    assert batch.masks is not None
    assert batch.has_mask is not None
    assert batch.masks.shape == (12, 1, 8, 8)
    assert type(batch.masks) is Tensor
    assert batch.masks.dtype == torch.uint8
    assert batch.has_mask.tolist() == [bool(MASKS.known[label]) for label in batch.labels]
    for mask, label in zip(batch.masks[:, 0].numpy(), batch.labels.tolist(), strict=True):
        assert any(np.array_equal(mask, expected) for expected in (MASKS.arrays[label], MASKS.arrays[label][:, ::-1]))
    validation = _batches(0, train=False, masks=MASKS)
    assert validation.masks is not None
    assert np.array_equal(validation.masks[:, 0].numpy(), MASKS.arrays)
