"""looks -> Neighbors: how often is the most similar training image of the same class?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Ints
from tumorlens.auditing.duplicates.image_records import ImageRecord, frames
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails
from tumorlens.auditing.issues import NearestNeighborAccuracy
from tumorlens.datasets import Table
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

_BLOCK = 1024  # images held at once: 16 MB
Names = npt.NDArray[np.str_]


def nearest_neighbor(
    table: Table, image_records: Sequence[ImageRecord], leaked: Collection[int], groups: Sequence[str], *, seed: int = 0
) -> tuple[NearestNeighborAccuracy, ...]:
    """How often the most similar training image has the right label: what memory alone can do.

    Similarity is the correlation of the whole frames, drawn 64 x 64, the asked one as it is or mirrored left to
    right, since training flips images, too. Blank and unreadable images are left out.

    Args:
        table: with a train part and another one, or there is nothing to look up.
        image_records: one for each sample, in the table's order.
        leaked: positions of images outside of train whose twin or patient is in train.
        groups: for each sample its patient or its copies; the bootstrap draws whole groups.
        seed: of the bootstrap.
    """
    parts: dict[str, list[int]] = {"train": [], "test": [], "val": []}
    for i, (sample, look) in enumerate(zip(table.samples, image_records, strict=True)):
        if look.thumbnails is not None and sample.split in parts:
            parts[sample.split].append(i)
    train = parts.pop("train")
    if not train:
        return ()
    labels = np.array(table.labels)
    found = []
    for part, held in parts.items():
        if held:
            best = _nearest(image_records, held, train)
            right = labels[np.array(train)[best]] == labels[held]
            known = np.isin(held, list(leaked))
            names = np.array([groups[i] for i in held])
            leaking, clean = (_share(right[of], names[of], seed) if of.any() else None for of in (known, ~known))
            found.append(NearestNeighborAccuracy(part, _share(right, names, seed), leaking, clean))
    return tuple(found)


def _nearest(image_records: Sequence[ImageRecord], asked: Sequence[int], train: Sequence[int]) -> Ints:
    """For every asked position the row of `train` that shows the most similar image."""
    best = np.full(len(asked), -np.inf, dtype=np.float32)
    rows = np.zeros(len(asked), dtype=np.int64)
    for first in range(0, len(asked), _BLOCK):
        part = slice(first, first + _BLOCK)
        drawn = frames(image_records, asked[part])
        vectors = _unit(drawn), _unit(drawn[:, :, ::-1])
        for start in range(0, len(train), _BLOCK):
            known = _unit(frames(image_records, train[start : start + _BLOCK]))
            likeness = np.maximum(vectors[0] @ known.T, vectors[1] @ known.T)
            nearest = likeness.argmax(axis=1)
            value = likeness.max(axis=1)
            rows[part] = np.where(value > best[part], start + nearest, rows[part])
            best[part] = np.maximum(value, best[part])
    return rows


def _unit(drawn: Thumbnails) -> npt.NDArray[np.float32]:
    """(N, 4,096) frames as vectors of mean 0 and length 1."""
    cells = drawn.reshape(len(drawn), -1).astype(np.float32)
    cells -= cells.mean(axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = cells / np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-3)
    return unit


def _share(right: Flags, groups: Names, seed: int) -> Estimate:
    """The share of right answers with its interval over groups."""
    drawn = BootstrapDraws.draw(ClusterBootstrap(groups.tolist(), "group", seed=seed))
    return drawn.proportion(drawn.sums(right) / drawn.sums(np.ones(len(right))), np.ones(len(right), dtype=bool))
