"""Quick runs: recipe -> overrides for a short training; table -> a subsample of whole groups."""

from __future__ import annotations

import numpy as np

from tumorlens.auditing import LinkedGroups
from tumorlens.datasets import Table
from tumorlens.models import architecture_info
from tumorlens.training import Recipe

MAX_EPOCHS = 10
MAX_SIDE = 96  # pixels
MAX_IMAGES = 400
MIN_GROUPS = 10
"""Smallest number of groups per class: five folds and a validation subset need that many."""


def quick_overrides(recipe: Recipe) -> tuple[str, ...]:
    """Overrides that limit epochs and input size to those of a quick run."""
    size = recipe.input.size or architecture_info(recipe.model).input_size
    overrides = [f"epochs={MAX_EPOCHS}"] if recipe.epochs > MAX_EPOCHS else []
    if size > MAX_SIDE:
        overrides.append(f"input.size={MAX_SIDE}")
        if recipe.input.resize:
            overrides.append(f"input.resize={round(recipe.input.resize * MAX_SIDE / size)}")
    return tuple(overrides)


def subsample(table: Table, linked_groups: LinkedGroups, seed: int) -> Table:
    """Sample about `MAX_IMAGES` images at random, equally many per class, in whole groups.

    Args:
        table: returned unchanged where it has no more images.
        linked_groups: of this table.
        seed: of the sample.
    """
    if len(table) <= MAX_IMAGES:
        return table
    groups = np.array(linked_groups.groups)
    names, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    labels = [table.samples[i].label for i in first]
    order = np.random.default_rng(seed).permutation(len(names))
    chosen: set[str] = set()
    for label in table.classes:
        of_class = [i for i in order if labels[i] == label]
        images = np.cumsum(sizes[of_class])
        count = int(np.searchsorted(images, MAX_IMAGES / len(table.classes))) + 1
        chosen |= {names[i] for i in of_class[: max(MIN_GROUPS, count)]}
    kept = {sample.id for sample, group in zip(table.samples, groups, strict=True) if group in chosen}
    return table.filter(lambda sample: sample.id in kept)
