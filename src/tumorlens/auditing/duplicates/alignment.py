"""candidate pairs -> scores: the second thumbnail aligned with the first, then both compared in detail.

The border of a cropped copy is never found to the pixel, so the second thumbnail is first shifted and stretched
along both axes until it fits the first (Gauss-Newton on the squared difference; Lucas and Kanade, IJCAI 1981). Then
both are compared without their coarse brightness, once as they are and once with equalized gray values, which
undoes gamma and clipping. Neighboring slices of one patient are similar in the coarse structure and differ in detail.
"""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Floats32
from tumorlens.auditing.duplicates.perceptual_hash import THUMBNAIL_SIDE, Thumbnails

_BATCH = 1024  # pairs at once: 16 MB for each array of thumbnails
_ITERATIONS = 6
_BORDER = 6  # cells at the border that are not compared, since they may come from outside of the other image
_RADIUS = 2  # of the surroundings that a cell is compared with
_COARSE = 32  # side of the grid for the alignment
_CLIP = 3
_DAMPING = 1e-2  # keeps the fit stable where an image has no edges
_MAX_STEP = np.array([1.0, 0.05] * 2, dtype=np.float32)  # largest shift (cells) and stretch of one iteration
_MAX_FIT = np.array([4.0, 0.2] * 2, dtype=np.float32)  # and of all together


def alignment_scores(first: Thumbnails, second: Thumbnails, enough: float) -> Floats32:
    """Similarity of aligned thumbnails in detail, -1 to 1; 1 for equal ones.

    Args:
        first: (N, 64, 64) uint8.
        second: (N, 64, 64) uint8, already flipped or rotated like the first.
        enough: the threshold. Pairs that cannot reach it get the correlation of their gray values alone.
    """
    scores = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), _BATCH):
        batch = slice(start, start + _BATCH)
        fixed, moving = first[batch].astype(np.float32), second[batch].astype(np.float32)
        details = _details(fixed)
        score = _correlations(details, _details(moving))
        if len(todo := np.flatnonzero(score < enough)):
            warped = _aligned(fixed[todo], moving[todo])
            aligned = _correlations(details[todo], _details(warped))
            better = aligned > score[todo]
            score[todo[better]], moving[todo[better]] = aligned[better], warped[better]
        # The score is the mean of two correlations, and neither is above 1.
        if len(close := np.flatnonzero(score >= 2 * enough - 1)):
            score[close] += _correlations(_details(_equalized(fixed[close])), _details(_equalized(moving[close])))
            score[close] /= 2
        scores[batch] = score
    return scores


def _correlations(first: Floats32, second: Floats32) -> Floats32:
    """The correlations of rows of length 1."""
    each: Floats32 = np.einsum("nc,nc->n", first, second)
    return each


def _details(thumbnails: Floats32) -> Floats32:
    """(N, 64, 64) without noise and without the local mean, as vectors of length 1."""
    smooth = _SMOOTH @ thumbnails @ _SMOOTH.T
    details = smooth - _MEAN @ smooth @ _MEAN.T
    inner = details[:, _BORDER:-_BORDER, _BORDER:-_BORDER].reshape(len(details), -1)
    inner = inner - inner.mean(axis=1, keepdims=True)
    unit: Floats32 = inner / np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-3)
    return unit


def _equalized(thumbnails: Floats32) -> Floats32:
    """Histogram equalization, in which no gray value counts for more than `_CLIP` times its share.

    Without that bound, the noise of a black background, the most frequent gray value, would fill the image.
    """
    levels = np.clip(np.rint(thumbnails), 0, 255).astype(np.int64).reshape(len(thumbnails), -1)
    levels += 256 * np.arange(len(thumbnails))[:, None]
    counts = np.bincount(levels.ravel(), minlength=256 * len(thumbnails)).reshape(-1, 256)
    counts = np.minimum(counts, _CLIP * THUMBNAIL_SIDE**2 / 256)
    middle = np.cumsum(counts, axis=1) - counts / 2
    spread = (255 * middle / middle[:, -1:]).astype(np.float32)
    equalized: Floats32 = spread.ravel()[levels].reshape(thumbnails.shape)
    return equalized


def _aligned(fixed: Floats32, moving: Floats32) -> Floats32:
    """`moving`, shifted and stretched to fit `fixed`."""
    target, source = _coarse(fixed), _coarse(moving)
    inner = slice(_BORDER // 2, -(_BORDER // 2))
    place = np.arange(_COARSE, dtype=np.float32) - np.float32((_COARSE - 1) / 2)
    goal = _standardized(target[:, inner, inner])
    fit: Floats32 = np.zeros((len(fixed), 4), dtype=np.float32)  # shift and stretch downwards, then to the right
    for _ in range(_ITERATIONS):
        warped = _warped(source, fit)
        region = warped[:, inner, inner]
        contrast = np.maximum(region.std(axis=(1, 2)), 1e-3)[:, None, None]
        down = np.gradient(warped, axis=1)[:, inner, inner] / contrast
        right = np.gradient(warped, axis=2)[:, inner, inner] / contrast
        slopes = np.stack([down, down * place[inner, None], right, right * place[None, inner]], axis=-1)
        slopes = slopes.reshape(len(fixed), -1, 4)
        slopes -= slopes.mean(axis=1, keepdims=True)
        transposed = slopes.transpose(0, 2, 1)
        normal = transposed @ slopes + _DAMPING * np.eye(4, dtype=np.float32)
        residual = (goal - _standardized(region)).reshape(len(fixed), -1, 1)
        step = np.linalg.solve(normal, transposed @ residual)[..., 0]
        fit = np.clip(fit + np.clip(step, -_MAX_STEP, _MAX_STEP), -_MAX_FIT, _MAX_FIT).astype(np.float32)
    fit[:, ::2] *= THUMBNAIL_SIDE // _COARSE
    return _warped(moving, fit)


def _coarse(thumbnails: Floats32) -> Floats32:
    step = THUMBNAIL_SIDE // _COARSE
    cells: Floats32 = thumbnails.reshape(-1, _COARSE, step, _COARSE, step).mean((2, 4))
    return cells


def _standardized(values: Floats32) -> Floats32:
    values = values - values.mean(axis=(1, 2), keepdims=True)
    standardized: Floats32 = values / np.maximum(values.std(axis=(1, 2), keepdims=True), 1e-3)
    return standardized


def _warped(thumbnails: Floats32, fit: Floats32) -> Floats32:
    """Bilinear interpolation as two matrix products, one for each axis; 0 outside of the thumbnail."""
    down = _weights(fit[:, 0], fit[:, 1], thumbnails.shape[1])
    right = _weights(fit[:, 2], fit[:, 3], thumbnails.shape[2])
    warped: Floats32 = (down @ thumbnails @ right.transpose(0, 2, 1)).astype(np.float32)
    return warped


def _weights(shift: Floats32, stretch: Floats32, side: int) -> Floats32:
    cells = np.arange(side, dtype=np.float32)
    middle = np.float32((side - 1) / 2)
    source = (1 + stretch[:, None]) * (cells - middle) + middle + shift[:, None]
    weights: Floats32 = np.maximum(0, 1 - np.abs(source[:, :, None] - cells))
    return weights


def _band_matrix(weights: tuple[float, ...]) -> Floats32:
    """The matrix that averages every cell with its neighbors on one axis; fewer neighbors at the ends."""
    radius = len(weights) // 2
    matrix = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), dtype=np.float32)
    for weight, k in zip(weights, range(-radius, radius + 1), strict=True):
        matrix += weight * np.eye(THUMBNAIL_SIDE, k=k, dtype=np.float32)
    band: Floats32 = matrix / matrix.sum(axis=1, keepdims=True)
    return band


_SMOOTH = _band_matrix((0.25, 0.5, 0.25))
_MEAN = _band_matrix((1.0,) * (2 * _RADIUS + 1))
