"""frames -> what is drawn outside of the head: gray values without their places."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.auditing.duplicates.perceptual_hash import Thumbnails
from tumorlens.scan.foreground import head_masks

DRAWN = 128
"""Cells looked at outside of the head, of 4,096."""

_RANKS = (0, 13, 32, 64, 95, 114, 127)  # of them, from the darkest to the brightest
_BLOCK = 1024  # images held at once: 16 MB


def outside_of_heads(frames: Thumbnails, seed: int) -> Floats:
    """What is drawn outside of heads: mean, deviation and quantiles of `DRAWN` cells.

    Args:
        frames: (N, 64, 64).
        seed: of the draw.

    Returns:
        (N, 9); NaN where there are not as many cells.
    """
    random = np.random.default_rng(seed)
    cells = np.full((len(frames), DRAWN), np.nan)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        for row, (frame, head) in enumerate(zip(block, head_masks(block), strict=True), start):
            outside = frame[~head]
            if len(outside) >= DRAWN:
                cells[row] = random.choice(outside, DRAWN, replace=False)
    cells.sort(axis=1)
    return np.column_stack([cells.mean(axis=1), cells.std(axis=1), cells[:, _RANKS]])
