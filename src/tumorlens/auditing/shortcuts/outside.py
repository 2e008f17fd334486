"""frames -> what is drawn outside of the head: grey values without their places."""

from __future__ import annotations

import numpy as np

from tumorlens.auditing.copies.prints import SIDE, Thumbs
from tumorlens.extras import require
from tumorlens.stats import Flags, Floats

DRAWN = 128
"""Cells looked at outside of the head, of 4,096."""

_EDGE = 3  # cells at the frame that say what the background is like
_HEAD = 0.1  # of the picture's contrast: what differs more from the background belongs to the head
_LEAST = 8  # grey levels; less is noise
_MARGIN = 3  # cells around the head that are blanked with it
_RANKS = (0, 13, 32, 64, 95, 114, 127)  # of them, from the darkest to the brightest
_BLOCK = 1024  # pictures held at once: 16 MB


def outside_of_heads(frames: Thumbs, seed: int) -> Floats:
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
        for row, (frame, head) in enumerate(zip(block, _heads(block), strict=True), start):
            outside = frame[~head]
            if len(outside) >= DRAWN:
                cells[row] = random.choice(outside, DRAWN, replace=False)
    cells.sort(axis=1)
    return np.column_stack([cells.mean(axis=1), cells.std(axis=1), cells[:, _RANKS]])


def _heads(frames: Thumbs) -> Flags:
    """Where the heads are, generously: (N, 64, 64) grey values to flags.

    A picture without a clear background is head everywhere.
    """
    ndimage = require("scipy.ndimage", "train", "measure shortcuts")
    edge = np.ones((SIDE, SIDE), dtype=bool)
    edge[_EDGE:-_EDGE, _EDGE:-_EDGE] = False
    background = np.median(frames[:, edge], axis=1).astype(np.float32)
    contrast = ndimage.uniform_filter(np.abs(frames - background[:, None, None]), (1, 3, 3))
    bright = np.quantile(contrast.reshape(len(frames), -1), 0.95, axis=1)
    bright = contrast > np.maximum(_HEAD * bright, _LEAST)[:, None, None]
    flat = np.zeros((3, 3, 3), dtype=bool)  # neighbours within a picture, none in the next
    flat[1] = ndimage.generate_binary_structure(2, 1)
    pieces, count = ndimage.label(bright, flat)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    weight = sizes[pieces]
    largest = bright & (weight == weight.max(axis=(1, 2), keepdims=True))
    head = ndimage.binary_dilation(ndimage.binary_fill_holes(largest, flat), flat, iterations=_MARGIN)
    generous: Flags = head | ~bright.any(axis=(1, 2), keepdims=True)
    return generous
