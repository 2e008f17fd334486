"""image records -> accuracy of the nearest neighbor: how often has the most similar training image the same label?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats32, Ints
from tumorlens.auditing.duplicates.image_records import ImageRecord, whole_frames
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails
from tumorlens.auditing.issues import NearestNeighborAccuracy
from tumorlens.datasets import Table
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

_BLOCK = 1024  # images held at once: 16 MB
Names = npt.NDArray[np.str_]


def nearest_neighbor_accuracy(
    table: Table, records: Sequence[ImageRecord], leaked: Collection[int], groups: Sequence[str], *, seed: int = 0
) -> tuple[NearestNeighborAccuracy, ...]:
    """How often the most similar training image has the correct label: the accuracy of pure memorization.

    Similarity is the correlation of the whole frames, at 64 x 64, the held-out image as it is or flipped left to
    right, since training flips images too. Blank and unreadable images are left out.

    Args:
        table: with a train subset and another one, or there is nothing to compare.
        records: one for each sample, in the table's order.
        leaked: positions of validation and test images with a duplicate in train.
        groups: of each sample, by patient and duplicates; the sampling units of the bootstrap.
        seed: of the bootstrap.
    """
    subsets: dict[str, list[int]] = {"train": [], "test": [], "val": []}
    for i, (sample, record) in enumerate(zip(table.samples, records, strict=True)):
        if record.thumbnails is not None and sample.split in subsets:
            subsets[sample.split].append(i)
    train = subsets.pop("train")
    if not train:
        return ()
    labels = np.array(table.labels)
    accuracies = []
    for subset, held_out in subsets.items():
        if held_out:
            nearest = _nearest(records, held_out, train)
            correct = labels[np.array(train)[nearest]] == labels[held_out]
            is_leaked = np.isin(held_out, list(leaked))
            units = np.array([groups[i] for i in held_out])
            of_leaked, of_clean = (
                _accuracy(correct[rows], units[rows], seed) if rows.any() else None for rows in (is_leaked, ~is_leaked)
            )
            overall = _accuracy(correct, units, seed)
            accuracies.append(NearestNeighborAccuracy(subset, overall, of_leaked, of_clean))
    return tuple(accuracies)


def _nearest(records: Sequence[ImageRecord], held_out: Sequence[int], train: Sequence[int]) -> Ints:
    """For every held-out position the row of `train` with the most similar image."""
    best = np.full(len(held_out), -np.inf, dtype=np.float32)
    rows = np.zeros(len(held_out), dtype=np.int64)
    for first in range(0, len(held_out), _BLOCK):
        block = slice(first, first + _BLOCK)
        frames = whole_frames(records, held_out[block])
        vectors = _unit(frames), _unit(frames[:, :, ::-1])
        for start in range(0, len(train), _BLOCK):
            candidates = _unit(whole_frames(records, train[start : start + _BLOCK]))
            similarity = np.maximum(vectors[0] @ candidates.T, vectors[1] @ candidates.T)
            nearest = similarity.argmax(axis=1)
            value = similarity.max(axis=1)
            rows[block] = np.where(value > best[block], start + nearest, rows[block])
            best[block] = np.maximum(value, best[block])
    return rows


def _unit(frames: Thumbnails) -> Floats32:
    """(N, 4,096) frames as vectors of mean 0 and length 1."""
    cells = frames.reshape(len(frames), -1).astype(np.float32)
    cells -= cells.mean(axis=1, keepdims=True)
    unit: Floats32 = cells / np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-3)
    return unit


def _accuracy(correct: Flags, groups: Names, seed: int) -> Estimate:
    """The share of correct predictions with its interval over groups."""
    bootstrap = BootstrapDraws.draw(ClusterBootstrap(groups.tolist(), "group", seed=seed))
    rate = bootstrap.sums(correct) / bootstrap.sums(np.ones(len(correct)))
    return bootstrap.proportion(rate, np.ones(len(correct), dtype=bool))
