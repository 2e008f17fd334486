"""Cached pictures -> batches, shuffled and changed the same way for the same seed and epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import v2

from tumorlens.datasets import Table
from tumorlens.scan import GreyImage
from tumorlens.training.augment import augmentation
from tumorlens.training.recipe import Recipe

Draw = tuple[int, int]
Loader = DataLoader[tuple[Tensor, int]]


class Slices(Dataset[tuple[Tensor, int]]):
    """Pictures by (position, seed of the random change): ((1, S, S) uint8, class index)."""

    def __init__(
        self, images: GreyImage, rows: Sequence[int], labels: Sequence[int], transform: v2.Transform | None
    ) -> None:
        self.images, self.rows, self.labels, self.transform = images, rows, labels, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, int]:
        position, seed = draw
        row = self.rows[position]
        image = torch.from_numpy(np.array(self.images[row]))[None]
        if self.transform is not None:
            # A generator of its own for each picture: workers, resuming and batch size change nothing.
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                image = self.transform(image)
        return image, self.labels[row]


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


def loaders(table: Table, images: GreyImage, recipe: Recipe, seed: int) -> tuple[Loader, Loader | None]:
    """The batches of train, and those of val where the table has one.

    Args:
        table: with a split.
        images: (N, S, S), the table's pictures in its order.
        recipe: batch size and augmentation.
        seed: of order and augmentation.
    """
    rows = {part: [i for i, s in enumerate(table.samples) if s.split == part] for part in ("train", "val")}
    train = Slices(images, rows["train"], table.labels, augmentation(recipe.augment))
    # On a CPU the network needs every core, and the pictures are decoded already.
    workers = min(8, (os.cpu_count() or 2) - 1) if torch.cuda.is_available() else 0
    fit = loader(train, recipe.batch_size, seed, train=True, workers=workers)
    if not rows["val"]:
        return fit, None
    return fit, loader(Slices(images, rows["val"], table.labels, None), recipe.batch_size, seed, train=False)


def loader(data: Slices, batch_size: int, seed: int, *, train: bool, workers: int = 0) -> Loader:
    """Batches of ((N, 1, S, S) uint8, (N,) int64).

    Training drops a last batch that is not full, since batch norm fails on a single picture; the
    shuffle sees to it that every picture comes in other epochs.
    """
    return DataLoader(
        data,
        batch_size=batch_size,
        sampler=Draws(len(data), seed, shuffle=train),
        drop_last=train and len(data) > batch_size,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
    )
