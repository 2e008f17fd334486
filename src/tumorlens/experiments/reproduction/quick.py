"""A smaller budget: recipe -> overrides that make it short, table -> some hundred images of whole groups."""

from __future__ import annotations

import numpy as np

from tumorlens.auditing import LinkedGroups
from tumorlens.datasets import Table
from tumorlens.models import architecture_info
from tumorlens.training import Recipe

EPOCHS = 10
SIDE = 96  # pixels
IMAGES = 400
GROUPS = 10
"""Of every class at least; five folds and a validation part want so many."""


def quick_overrides(recipe: Recipe) -> tuple[str, ...]:
    """Overrides that cut epochs and input size where they are above the quick ones."""
    size = recipe.input.size or architecture_info(recipe.model).input_size
    changes = [f"epochs={EPOCHS}"] if recipe.epochs > EPOCHS else []
    if size > SIDE:
        changes.append(f"input.size={SIDE}")
        if recipe.input.resize:
            changes.append(f"input.resize={round(recipe.input.resize * SIDE / size)}")
    return tuple(changes)


def subsample(table: Table, ties: LinkedGroups, seed: int) -> Table:
    """About `IMAGES` images, as many of each class, in whole groups drawn at random.

    Args:
        table: any; returned as it is where it holds no more.
        ties: of this table.
        seed: of the draw.
    """
    if len(table) <= IMAGES:
        return table
    keys = np.array(ties.keys)
    names, first, sizes = np.unique(keys, return_index=True, return_counts=True)
    labels = [table.samples[i].label for i in first]
    order = np.random.default_rng(seed).permutation(len(names))
    chosen: set[str] = set()
    for label in table.classes:
        mine = [i for i in order if labels[i] == label]
        reached = np.cumsum(sizes[mine])
        enough = int(np.searchsorted(reached, IMAGES / len(table.classes))) + 1
        chosen |= {names[i] for i in mine[: max(GROUPS, enough)]}
    kept = {sample.id for sample, key in zip(table.samples, keys, strict=True) if key in chosen}
    return table.where(lambda sample: sample.id in kept)
