"""Cached images and masks -> batches, shuffled and changed the same way for the same seed and epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate
from torchvision import tv_tensors
from torchvision.transforms import v2

from tumorlens.datasets import Table
from tumorlens.scan import GrayImage
from tumorlens.training.augmentation.lesion_augmentation import LesionAugmentation
from tumorlens.training.augmentation.transforms import augmentation
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Recipe


class Item(NamedTuple):
    """One image to train on.

    Attributes:
        image: (1, S, S) uint8.
        label: class index.
        mask: (1, S, S) uint8, 1 = tumor; None where the run needs no masks.
        has_mask: whether the mask says anything; None with it.
    """

    image: Tensor
    label: int
    mask: Tensor | None = None
    has_mask: bool | None = None


class Batch(NamedTuple):
    """N of them: images and masks (N, 1, S, S) uint8, labels (N,) int64, has_mask (N,) bool."""

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    has_mask: Tensor | None = None


Draw = tuple[int, int]
Loader = DataLoader[Item]


class Slices(Dataset[Item]):
    """Images by (position, seed of the random change), with their masks where these are given."""

    def __init__(
        self,
        images: GrayImage,
        rows: Sequence[int],
        labels: Sequence[int],
        transform: v2.Transform | None,
        masks: Masks | None = None,
        exchange: LesionAugmentation | None = None,
    ) -> None:
        self.images, self.rows, self.labels, self.transform, self.masks = images, rows, labels, transform, masks
        self.exchange = exchange

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> Item:
        position, seed = draw
        row, masks = self.rows[position], self.masks
        label = self.labels[row]
        image, mask = torch.from_numpy(np.array(self.images[row]))[None], None
        if masks:
            mask = tv_tensors.Mask(torch.from_numpy(np.array(masks.arrays[row]))[None])
        if self.transform is not None:
            # A generator of its own for each image: workers, resuming and batch size change nothing.
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                if self.exchange and mask is not None:
                    image, mask, label = self.exchange(image, mask, label)
                image, mask = self.transform(image, mask)
        if masks is None or mask is None:
            return Item(image, label)
        return Item(image, label, mask.as_subclass(Tensor), bool(masks.known[row]))


class Draws(Sampler[Draw]):
    """Positions in random order, each with a seed; both follow from (seed, epoch) alone."""

    def __init__(self, length: int, seed: int, shuffle: bool) -> None:
        self.length, self.seed, self.shuffle = length, seed, shuffle
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(self.length) if self.shuffle else np.arange(self.length)
        seeds = rng.integers(0, 2**31, size=self.length)
        return iter([(int(i), int(s)) for i, s in zip(order, seeds, strict=True)])


def loaders(
    table: Table, images: GrayImage, masks: Masks | None, recipe: Recipe, seed: int
) -> tuple[Loader, Loader | None]:
    """The batches of train, and those of val where the table has one.

    Args:
        table: with a split.
        images: (N, S, S), the table's images in its order.
        masks: theirs, of a run that needs them.
        recipe: batch size and augmentation.
        seed: of order and augmentation.
    """
    rows = {part: [i for i, s in enumerate(table.samples) if s.split == part] for part in ("train", "val")}
    change, exchange = recipe.augment, None
    if masks and (change.lesion_inpainting or change.lesion_copy_paste):
        exchange = LesionAugmentation.of(change, table, images, masks, rows["train"])
    train = Slices(images, rows["train"], table.labels, augmentation(change), masks, exchange)
    # On a CPU the network needs every core, and the images are decoded already.
    workers = min(8, (os.cpu_count() or 2) - 1) if torch.cuda.is_available() else 0
    fit = loader(train, recipe.batch_size, seed, train=True, workers=workers)
    if not rows["val"]:
        return fit, None
    val = Slices(images, rows["val"], table.labels, None, masks)
    return fit, loader(val, recipe.batch_size, seed, train=False)


def loader(data: Slices, batch_size: int, seed: int, *, train: bool, workers: int = 0) -> Loader:
    """Batches, each a `Batch`.

    Training drops a last batch that is not full, since batch norm fails on a single image; the
    shuffle sees to it that every image comes in other epochs.
    """
    return DataLoader(
        data,
        batch_size=batch_size,
        sampler=Draws(len(data), seed, shuffle=train),
        drop_last=train and len(data) > batch_size,
        num_workers=workers,
        collate_fn=_collated,
        pin_memory=torch.cuda.is_available(),
    )


def _collated(items: Sequence[Item]) -> Batch:
    """What the default does, for a tuple whose fields may be None."""
    columns = zip(*items, strict=True)
    fields: list[Any] = [None if column[0] is None else default_collate(list(column)) for column in columns]
    return Batch(*fields)
