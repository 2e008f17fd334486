"""frames -> features of the background: gray values outside of the head, without their places."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails
from tumorlens.scan.foreground import head_masks

N_CELLS = 128
"""Random cells outside of the head, of 4,096 in the frame."""

_RANKS = (0, 13, 32, 64, 95, 114, 127)  # of the cells, from the darkest to the brightest
_BLOCK = 1024  # images held at once: 16 MB


def background_features(frames: Thumbnails, seed: int) -> Floats:
    """Mean, deviation and quantiles of `N_CELLS` random cells outside of each head.

    Args:
        frames: (N, 64, 64).
        seed: of the choice of cells.

    Returns:
        (N, 9); NaN where there are fewer cells.
    """
    random = np.random.default_rng(seed)
    cells = np.full((len(frames), N_CELLS), np.nan)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        for row, (frame, head) in enumerate(zip(block, head_masks(block), strict=True), start):
            values = frame[~head]
            if len(values) >= N_CELLS:
                cells[row] = random.choice(values, N_CELLS, replace=False)
    cells.sort(axis=1)
    return np.column_stack([cells.mean(axis=1), cells.std(axis=1), cells[:, _RANKS]])
