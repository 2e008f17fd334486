"""gray image -> thumbnails -> perceptual hashes that survive re-encoding, resizing, brightening, flips and borders.

Each image gets four thumbnails: the whole frame, and three without its border, removed by a rule that does not
depend on the width of the border. A perceptual hash keeps of a thumbnail where it is brighter (1) or darker (-1)
than its surroundings, and where neither is clear (0); brightness, contrast and compression hardly change that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens._arrays import Flags, Floats32
from tumorlens.scan import GrayImage
from tumorlens.scan.dihedral import apply_dihedral

Thumbnails = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.int8]
Bounds = tuple[int, int, int, int]
"""Top, bottom, left and right, pixels; the bottom and the right are exclusive."""

THUMBNAIL_SIDE = 64
VIEWS = 4
"""Thumbnails of an image: the whole frame, and three without its border."""

_BLANK = 8  # gray levels between the darkest and the brightest pixel
_UNIFORM = 10  # the same along one row or column of an added frame
_LEVELS = (0.45, 0.6, 0.75)  # three thresholds: each is unstable on some images, but not on the same ones
_SHARE = (0.05, 0.97)  # of a row above the threshold: fewer is background, more is a bright frame
_WORK = 256  # longest side for the border detection; with half of it, cropped copies differ by a pixel
_LEAST = 8  # pixels that must be left of a side
_CLEAR = 0.6  # share of a hash that is not 0
_NOISE = 0.5  # gray levels; less is no difference


def make_thumbnails(gray: GrayImage) -> Thumbnails | None:
    """The four thumbnails of an image, or None where it is blank.

    Args:
        gray: (H, W) uint8.

    Returns:
        (4, 64, 64) uint8: the whole frame, then the image without its border for three thresholds. All are
        stretched to the square, so that a stretched copy has the same thumbnails.
    """
    if int(gray.max()) - int(gray.min()) < _BLANK:
        return None
    image = Image.fromarray(gray)
    top, bottom, left, right = _without_frame(gray)
    inner = _reduced(image.crop((left, top, right, bottom)))
    image = _reduced(image)
    thumbnails = [_thumbnail(image, (0, 0, image.width, image.height))]
    small = _at_most(inner, _WORK)
    across, down = inner.width / small.width, inner.height / small.height
    pixels = np.asarray(small)
    for level in _LEVELS:
        top, bottom, left, right = _without_background(pixels, level)
        box = (left * across, top * down, min(right * across, inner.width), min(bottom * down, inner.height))
        thumbnails.append(_thumbnail(inner, box))
    return np.stack(thumbnails)


def perceptual_hashes(thumbnails: Thumbnails, side: int = 16, radius: int = 1) -> Hashes:
    """The perceptual hashes of thumbnails: (..., 64, 64) uint8 to (..., side * side) int8 of -1, 0 and 1.

    Args:
        thumbnails: from `make_thumbnails`.
        side: of the grid, a divisor of 64.
        radius: of the surroundings that a cell is compared with, in cells.
    """
    step = THUMBNAIL_SIDE // side
    stacked = thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    sums = _row_sums(_row_sums(stacked, step).swapaxes(1, 2), step).swapaxes(1, 2)
    cells = sums.astype(np.float32) * np.float32(1 / step**2)
    contrast = (cells - _box_mean(cells, radius)).reshape(len(cells), -1)
    strength = np.abs(contrast)
    rank = round((1 - _CLEAR) * (strength.shape[1] - 1))
    clear = np.maximum(np.partition(strength, rank, axis=1)[:, rank, None], _NOISE)
    hashes = np.where(strength >= clear, np.sign(contrast), 0).astype(np.int8)
    return hashes.reshape(*thumbnails.shape[:-2], side * side)


def unit_vectors(hashes: Hashes) -> Floats32:
    """Hashes as vectors of length 1, so that a dot product is their similarity, -1 to 1."""
    vectors = hashes.astype(np.float32)
    length = np.sqrt(np.count_nonzero(hashes, axis=-1, keepdims=True), dtype=np.float32)
    vectors /= np.maximum(length, 1)
    return vectors


def transformed(values: npt.NDArray[Any], transform: int) -> npt.NDArray[Any]:
    """Apply a flip or rotation of `DIHEDRAL_NAMES` to (..., S, S) thumbnails or to (..., S * S) hashes or vectors."""
    if values.ndim > 1 and values.shape[-1] == values.shape[-2] == THUMBNAIL_SIDE:
        return apply_dihedral(values, transform)
    side = round(values.shape[-1] ** 0.5)
    return apply_dihedral(values.reshape(*values.shape[:-1], side, side), transform).reshape(values.shape)


def _row_sums(values: npt.NDArray[Any], step: int) -> npt.NDArray[np.uint16]:
    """Sums of every `step` rows, as whole arrays: a reduction over short axes is ten times slower."""
    total = values[:, ::step].astype(np.uint16)
    for i in range(1, step):
        total += values[:, i::step]
    return total


def _thumbnail(image: Image.Image, box: tuple[float, float, float, float]) -> Thumbnails:
    return np.asarray(image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX, box=box))


def _reduced(image: Image.Image) -> Image.Image:
    times = max(image.size) // _WORK
    return image.reduce(times) if times > 1 else image


def _at_most(image: Image.Image, longest: int) -> Image.Image:
    shrink = max(image.size) / longest
    if shrink <= 1:
        return image
    width, height = (max(_LEAST, round(side / shrink)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _without_frame(gray: GrayImage) -> Bounds:
    """The bounds without uniform rows and columns at the border, of any gray value."""
    bounds = (0, gray.shape[0], 0, gray.shape[1])
    while True:
        region = gray[bounds[0] : bounds[1], bounds[2] : bounds[3]]
        varied = (np.ptp(region, axis=axis) > _UNIFORM for axis in (1, 0))
        inner = _inner(bounds, *varied)
        if inner is None or inner == bounds:
            return bounds
        bounds = inner


def _without_background(gray: GrayImage, level: float) -> Bounds:
    """The bounds of the head: rows and columns with enough pixels above a quantile of the region.

    The quantile is computed again for each smaller region, until nothing changes. The result does not depend on the
    width of the border at the start, nor on brightness, contrast or gamma, which keep ranks.
    """
    bounds = (0, gray.shape[0], 0, gray.shape[1])
    while True:
        region = gray[bounds[0] : bounds[1], bounds[2] : bounds[3]]
        below = np.cumsum(Image.fromarray(region).histogram())  # seven times faster than counting with numpy
        bright = (region > np.searchsorted(below, level * region.size)).view(np.uint8)
        shares = (bright.sum(axis=axis, dtype=np.uint16) / bright.shape[axis] for axis in (1, 0))
        inner = _inner(bounds, *((share > _SHARE[0]) & (share < _SHARE[1]) for share in shares))
        if inner is None or inner == bounds:
            return bounds
        bounds = inner


def _inner(bounds: Bounds, rows: Flags, columns: Flags) -> Bounds | None:
    """The bounds from the first to the last flagged row and column; None where too little would be left."""
    down, across = np.flatnonzero(rows), np.flatnonzero(columns)
    if len(down) < _LEAST or len(across) < _LEAST:
        return None
    top, left = bounds[0], bounds[2]
    return int(top + down[0]), int(top + down[-1] + 1), int(left + across[0]), int(left + across[-1] + 1)


def _box_mean(cells: Floats32, radius: int) -> Floats32:
    """The mean over a square of cells; the border is repeated."""
    padded = np.pad(cells, ((0, 0), (radius, radius), (radius, radius)), mode="edge")
    width, side = 2 * radius + 1, cells.shape[-1]
    rows = np.zeros((len(cells), padded.shape[1], side), dtype=np.float32)
    for i in range(width):
        rows += padded[:, :, i : i + side]
    total = np.zeros_like(cells)
    for i in range(width):
        total += rows[:, i : i + side]
    return total * np.float32(1 / width**2)
