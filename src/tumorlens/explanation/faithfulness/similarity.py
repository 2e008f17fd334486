"""Pairs of heat maps -> their similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tumorlens._arrays import Floats, Floats32


def rank_correlations(first: Floats32, second: Floats32) -> Floats:
    """(N, h, w) twice -> (N,) Spearman's correlation of each pair; 0 where one of the maps is constant."""
    one, two = _ranks(first), _ranks(second)
    correlations: Floats = (one * two).sum(1)
    return correlations


def structural_similarities(first: Floats32, second: Floats32) -> Floats:
    """(N, h, w) twice, values 0 to 1 -> (N,) structural similarity (Wang et al. 2004)."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    one, two = (torch.from_numpy(maps)[:, None] for maps in (first, second))
    similarities = structural_similarity_index_measure(one, two, data_range=1.0, reduction="none")
    assert isinstance(similarities, torch.Tensor)
    return similarities.double().reshape(-1).numpy()


def correlations_between_units(maps: Floats32, units: Sequence[str]) -> Floats:
    """(N, h, w) -> (N,) mean rank correlation of each map with those of other units; NaN where there are none."""
    ranks = _ranks(maps)
    names = np.asarray(units)
    other = names[:, None] != names
    with np.errstate(invalid="ignore"):
        means: Floats = (ranks @ ranks.T * other).sum(1) / other.sum(1)
    return means


def _ranks(maps: Floats32) -> Floats:
    """(N, h, w) -> (N, h * w) ranks with mean 0 and length 1; all 0 where a map is constant."""
    from scipy.stats import rankdata

    ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    normalized: Floats = ranks / np.where(length > 0, length, 1)
    return normalized
