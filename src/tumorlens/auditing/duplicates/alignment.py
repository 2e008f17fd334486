"""candidate pairs -> scores: the second image laid on the first, then compared in detail.

A copy whose border was cut is never found to the pixel, so the second drawing is first shifted and
stretched along both axes until it fits (Gauss-Newton on the squared difference; Lucas and Kanade,
IJCAI 1981). Then both are compared without their coarse brightness, once as they are and once with gray
values equalized, which undoes gamma and clipping. Neighboring slices of one patient agree
in the coarse parts and differ in these.
"""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Floats32
from tumorlens.auditing.duplicates.perceptual_hash import SIDE, Thumbnails

_BATCH = 1024  # pairs at once: 16 MB for each array of drawings
_ITERATIONS = 6
_MARGIN = 6  # cells at the border that are not compared, since they may come from outside of the other image
_RADIUS = 2  # of the surroundings a cell is compared with
_COARSE = 32  # side on which the fit is made
_COMMON = 3
_STIFF = 1e-2  # keeps the fit still where an image has no edges
_STEP = np.array([1.0, 0.05] * 2, dtype=np.float32)  # largest shift (cells) and stretch of one iteration
_REACH = np.array([4.0, 0.2] * 2, dtype=np.float32)  # and of all together


def scores(first: Thumbnails, second: Thumbnails, enough: float) -> Floats32:
    """How alike drawings are in detail, -1 to 1; 1 for equal ones.

    Args:
        first: (N, 64, 64) uint8.
        second: (N, 64, 64) uint8, already turned like the first.
        enough: the score that matters. Pairs that cannot reach it get the agreement of their gray values alone.
    """
    found = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), _BATCH):
        part = slice(start, start + _BATCH)
        fixed, moving = first[part].astype(np.float32), second[part].astype(np.float32)
        known = _fine(fixed)
        score = _agreement(known, _fine(moving))
        if len(todo := np.flatnonzero(score < enough)):
            laid = _aligned(fixed[todo], moving[todo])
            aligned = _agreement(known[todo], _fine(laid))
            better = aligned > score[todo]
            score[todo[better]], moving[todo[better]] = aligned[better], laid[better]
        # The score is the mean of two agreements, and neither is above 1.
        if len(close := np.flatnonzero(score >= 2 * enough - 1)):
            score[close] += _agreement(_fine(_equalized(fixed[close])), _fine(_equalized(moving[close])))
            score[close] /= 2
        found[part] = score
    return found


def _agreement(first: Floats32, second: Floats32) -> Floats32:
    """The correlations of rows of length 1."""
    each: Floats32 = np.einsum("nc,nc->n", first, second)
    return each


def _fine(drawings: Floats32) -> Floats32:
    """(N, 64, 64) without noise and without the surroundings, as vectors of length 1."""
    smooth = _SMOOTH @ drawings @ _SMOOTH.T
    fine = smooth - _MEAN @ smooth @ _MEAN.T
    inner = fine[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].reshape(len(fine), -1)
    inner = inner - inner.mean(axis=1, keepdims=True)
    unit: Floats32 = inner / np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-3)
    return unit


def _equalized(drawings: Floats32) -> Floats32:
    """Gray values spread evenly, as far as no gray counts for more than `_COMMON` times its share.

    Without that bound the noise of a black background, which is the commonest gray, would fill the image.
    """
    levels = np.clip(np.rint(drawings), 0, 255).astype(np.int64).reshape(len(drawings), -1)
    levels += 256 * np.arange(len(drawings))[:, None]
    counts = np.bincount(levels.ravel(), minlength=256 * len(drawings)).reshape(-1, 256)
    counts = np.minimum(counts, _COMMON * SIDE**2 / 256)
    middle = np.cumsum(counts, axis=1) - counts / 2
    spread = (255 * middle / middle[:, -1:]).astype(np.float32)
    equalized: Floats32 = spread.ravel()[levels].reshape(drawings.shape)
    return equalized


def _aligned(fixed: Floats32, moving: Floats32) -> Floats32:
    """`moving`, shifted and stretched so that it lies on `fixed`."""
    target, source = _coarse(fixed), _coarse(moving)
    inner = slice(_MARGIN // 2, -(_MARGIN // 2))
    place = np.arange(_COARSE, dtype=np.float32) - np.float32((_COARSE - 1) / 2)
    goal = _standard(target[:, inner, inner])
    fit: Floats32 = np.zeros((len(fixed), 4), dtype=np.float32)  # shift and stretch downwards, then to the right
    for _ in range(_ITERATIONS):
        now = _warped(source, fit)
        part = now[:, inner, inner]
        contrast = np.maximum(part.std(axis=(1, 2)), 1e-3)[:, None, None]
        down = np.gradient(now, axis=1)[:, inner, inner] / contrast
        right = np.gradient(now, axis=2)[:, inner, inner] / contrast
        slopes = np.stack([down, down * place[inner, None], right, right * place[None, inner]], axis=-1)
        slopes = slopes.reshape(len(fixed), -1, 4)
        slopes -= slopes.mean(axis=1, keepdims=True)
        transposed = slopes.transpose(0, 2, 1)
        normal = transposed @ slopes + _STIFF * np.eye(4, dtype=np.float32)
        step = np.linalg.solve(normal, transposed @ (goal - _standard(part)).reshape(len(fixed), -1, 1))[..., 0]
        fit = np.clip(fit + np.clip(step, -_STEP, _STEP), -_REACH, _REACH).astype(np.float32)
    fit[:, ::2] *= SIDE // _COARSE
    return _warped(moving, fit)


def _coarse(drawings: Floats32) -> Floats32:
    step = SIDE // _COARSE
    cells: Floats32 = drawings.reshape(-1, _COARSE, step, _COARSE, step).mean((2, 4))
    return cells


def _standard(values: Floats32) -> Floats32:
    values = values - values.mean(axis=(1, 2), keepdims=True)
    standard: Floats32 = values / np.maximum(values.std(axis=(1, 2), keepdims=True), 1e-3)
    return standard


def _warped(drawings: Floats32, fit: Floats32) -> Floats32:
    """Bilinear: two matrix products, since both axes move by themselves. Outside of the drawing is 0."""
    down = _weights(fit[:, 0], fit[:, 1], drawings.shape[1])
    right = _weights(fit[:, 2], fit[:, 3], drawings.shape[2])
    warped: Floats32 = (down @ drawings @ right.transpose(0, 2, 1)).astype(np.float32)
    return warped


def _weights(shift: Floats32, stretch: Floats32, side: int) -> Floats32:
    cells = np.arange(side, dtype=np.float32)
    middle = np.float32((side - 1) / 2)
    source = (1 + stretch[:, None]) * (cells - middle) + middle + shift[:, None]
    weights: Floats32 = np.maximum(0, 1 - np.abs(source[:, :, None] - cells))
    return weights


def _band(weights: tuple[float, ...]) -> Floats32:
    """The matrix that averages every cell with its neighbors on one axis; at the ends with those there are."""
    reach = len(weights) // 2
    matrix = np.zeros((SIDE, SIDE), dtype=np.float32)
    for weight, k in zip(weights, range(-reach, reach + 1), strict=True):
        matrix += weight * np.eye(SIDE, k=k, dtype=np.float32)
    band: Floats32 = matrix / matrix.sum(axis=1, keepdims=True)
    return band


_SMOOTH = _band((0.25, 0.5, 0.25))
_MEAN = _band((1.0,) * (2 * _RADIUS + 1))
