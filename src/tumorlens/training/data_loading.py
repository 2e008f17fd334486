"""Cached images and masks -> batches; order and augmentation follow from the seed and the epoch."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate
from torchvision import tv_tensors
from torchvision.transforms import v2

from tumorlens._arrays import Ints
from tumorlens.datasets import Table
from tumorlens.scan import GrayImage
from tumorlens.training.augmentation.lesion_augmentation import LesionAugmentation
from tumorlens.training.augmentation.skull_stripping import SkullStripping
from tumorlens.training.augmentation.transforms import augmentation
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Recipe


class TrainingExample(NamedTuple):
    """One image with its class and mask.

    Attributes:
        image: (1, S, S) uint8.
        label: index of the class.
        mask: (1, S, S) uint8, 1 = tumor; None where the run needs no masks.
        has_mask: whether the mask is known; None where the run needs no masks.
    """

    image: Tensor
    label: int
    mask: Tensor | None = None
    has_mask: bool | None = None


class Batch(NamedTuple):
    """N examples: images and masks (N, 1, S, S) uint8, labels (N,) int64, has_mask (N,) bool."""

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    has_mask: Tensor | None = None


SeededIndex = tuple[int, int]
"""Position of an example, and the seed of its augmentation."""

Loader = DataLoader[TrainingExample]

_WORTH_A_PROCESS = 1000  # images of the training subset


class SliceDataset(Dataset[TrainingExample]):
    """Images by `SeededIndex`, augmented, with their masks where these are given."""

    def __init__(
        self,
        images: GrayImage,
        rows: Sequence[int],
        labels: Sequence[int],
        transform: v2.Transform | None,
        masks: Masks | None = None,
        lesion_augmentation: LesionAugmentation | None = None,
        skull_stripping: SkullStripping | None = None,
    ) -> None:
        self.images, self.rows, self.labels, self.transform, self.masks = images, rows, labels, transform, masks
        self.lesion_augmentation, self.skull_stripping = lesion_augmentation, skull_stripping

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: SeededIndex) -> TrainingExample:
        position, seed = index
        row, masks = self.rows[position], self.masks
        label = self.labels[row]
        image, mask = torch.from_numpy(np.array(self.images[row]))[None], None
        if masks:
            mask = tv_tensors.Mask(torch.from_numpy(np.array(masks.arrays[row]))[None])
        if self.transform is not None:
            # A separate generator for each image, so that workers, a resume and the batch size change nothing.
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(seed)
                if self.lesion_augmentation and mask is not None:
                    image, mask, label = self.lesion_augmentation(image, mask, label)
                if self.skull_stripping:
                    image, mask = self.skull_stripping(image, mask)
                image, mask = self.transform(image, mask)
        if masks is None or mask is None:
            return TrainingExample(image, label)
        return TrainingExample(image, label, mask.as_subclass(Tensor), bool(masks.known[row]))


class SeededSampler(Sampler[SeededIndex]):
    """Positions in random order, each with a seed; both depend on (seed, epoch) only.

    Args:
        length: number of examples.
        seed: of the order and of the seeds.
        shuffle: False for the order of the examples.
        weights: (length,) how often each example is sampled in an epoch, on average, with `shuffle`; None for once. An
            epoch has as many samples as their sum, rounded; one of weight 0.3 is sampled in three of ten epochs, one of
            weight 2.5 two or three times.
    """

    def __init__(self, length: int, seed: int, shuffle: bool, weights: Sequence[float] | None = None) -> None:
        self.length, self.seed, self.shuffle = length, seed, shuffle
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        self.samples = length if self.weights is None else max(1, round(float(self.weights.sum())))
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.samples

    def __iter__(self) -> Iterator[SeededIndex]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(self.length) if self.shuffle else np.arange(self.length)
        if self.weights is not None:
            order = rng.permutation(np.repeat(order, self._counts_of(order, float(rng.random()))))
        seeds = rng.integers(0, 2**31, size=len(order))
        return iter([(int(i), int(s)) for i, s in zip(order, seeds, strict=True)])

    def _counts_of(self, order: Ints, offset: float) -> Ints:
        """How often each example is sampled: systematic sampling, so that their sum is the same in every epoch."""
        assert self.weights is not None
        ends = np.cumsum(self.weights[order]) * (self.samples / self.weights.sum())
        ends[-1] = self.samples  # exactly
        counts: Ints = np.diff(np.floor(ends + offset), prepend=0.0).astype(np.int64)
        return counts


def loaders(
    table: Table, images: GrayImage, masks: Masks | None, recipe: Recipe, seed: int
) -> tuple[Loader, Loader | None]:
    """The batches of the training subset, and those of the validation subset where there is one.

    Args:
        table: with a split.
        images: (N, S, S), in the order of the table.
        masks: in the same order, of a run that needs them.
        recipe: batch size and augmentation.
        seed: of order and augmentation.
    """
    rows = {subset: [i for i, s in enumerate(table.samples) if s.split == subset] for subset in ("train", "val")}
    augment, lesions = recipe.augment, None
    if masks and (augment.lesion_inpainting or augment.lesion_copy_paste):
        lesions = LesionAugmentation.of(augment, table, images, masks, rows["train"])
    stripping = SkullStripping(augment.skull_stripping) if augment.skull_stripping else None
    train = SliceDataset(images, rows["train"], table.labels, augmentation(augment), masks, lesions, stripping)
    workers = _workers(len(rows["train"]))
    weights = [recipe.sampling_weights.get(table.samples[row].dataset, 1.0) for row in rows["train"]]
    fit = loader(train, recipe.batch_size, seed, train=True, workers=workers, weights=weights)
    if not rows["val"]:
        return fit, None
    val = SliceDataset(images, rows["val"], table.labels, None, masks)
    return fit, loader(val, recipe.batch_size, seed, train=False)


def _workers(images: int) -> int:
    """Number of processes that augment training images while the network learns.

    On a CPU one is enough: augmentation takes less than half of the time of a step. Few images are not worth its
    start, and where processes are not forked, each one would get a copy of all images.
    """
    if torch.cuda.is_available():
        return min(8, (os.cpu_count() or 2) - 1)
    return int(sys.platform == "linux" and images >= _WORTH_A_PROCESS and len(os.sched_getaffinity(0)) > 1)


def loader(
    data: SliceDataset,
    batch_size: int,
    seed: int,
    *,
    train: bool,
    workers: int = 0,
    weights: Sequence[float] | None = None,
) -> Loader:
    """Batches, each a `Batch`.

    Training drops an incomplete last batch, because batch norm fails on a single image; with shuffling, every image is
    used in some epochs. `weights` are those of `SeededSampler`, for training.
    """
    unequal = weights is not None and any(weight != 1 for weight in weights)
    sampler = SeededSampler(len(data), seed, shuffle=train, weights=weights if unequal else None)
    return DataLoader(
        data,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=train and len(sampler) > batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=_collated,
        pin_memory=torch.cuda.is_available(),
    )


def _collated(items: Sequence[TrainingExample]) -> Batch:
    """The default collation, for tuples whose fields may be None."""
    columns = zip(*items, strict=True)
    fields: list[Any] = [None if column[0] is None else default_collate(list(column)) for column in columns]
    return Batch(*fields)
