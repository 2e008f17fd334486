"""Attention maps of a network -> one map. NumPy alone.

Networks have few or many attention maps: the spatial gate of each block, the weights of a hypercolumn, the attention
that the tokens of a transformer receive. Each map is divided by its mean, since gates lie between 0 and 1, weights have
any unit, and received attention sums to 1. Then the maps are averaged, and the minimum is subtracted. A uniform map
only adds a constant, which the subtraction removes: each map counts by how selective it is. A product would let a
single 0 in one map exclude a region for all others.

For one transformer layer with averaged tokens this is attention rollout (Abnar and Zuidema 2020): 0.5 A + 0.5 I,
averaged over the source tokens, differs from the received attention by a factor and a constant only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens._arrays import Floats32
from tumorlens.scan import InputGeometry

_NOISE = 1e-5  # of the mean: smaller values are rounding errors


def combine_attention_maps(maps: Sequence[Floats32]) -> Floats32:
    """Several attention maps of one input as one.

    Args:
        maps: (n, n) each, at least 0; n may differ.

    Returns:
        (n, n) float32 for the largest n; the minimum is 0. All values are 0 where every map is uniform.
    """
    side = max(len(attention) for attention in maps)
    finest = InputGeometry(side).crop_window(side, side)
    resized = [finest.to_image(attention / (attention.mean() or 1)) for attention in maps]
    mean = np.mean(resized, axis=0)
    combined: Floats32 = (mean - mean.min()).astype(np.float32)
    return combined if combined.max() > _NOISE else np.zeros_like(combined)
