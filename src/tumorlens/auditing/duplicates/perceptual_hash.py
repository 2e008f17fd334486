"""gray image -> what stays of it when it is re-encoded, resized, brightened, mirrored, turned or framed.

An image is drawn small four times: the whole frame, and three times what is left when the border is taken
away by a rule that does not depend on how wide the border was. A *code* keeps of such a drawing only where
it is brighter (1) or darker (-1) than its surroundings, and where neither is clear (0); brightness, contrast
and compression hardly touch that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.scan import GrayImage
from tumorlens.scan.dihedral import apply_dihedral as turned_pixels

Thumbnails = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.int8]

SIDE = 64
VIEWS = 4

_BLANK = 8  # gray levels between the darkest and the brightest pixel
_UNIFORM = 10  # the same along one row or column of a frame somebody added
_LEVELS = (0.45, 0.6, 0.75)  # three thresholds: each is unstable on some images, but not on the same ones
_SHARE = (0.05, 0.97)  # of a row above the threshold: fewer is background, more is a bright frame
_WORK = 256  # longest side on which the border is looked for; half of it makes copies with a cut border miss by a pixel
_LEAST = 8  # pixels that must be left of a side
_CLEAR = 0.6  # share of a code that is not 0
_NOISE = 0.5  # gray levels; less is no difference


def thumbnails(gray: GrayImage) -> Thumbnails | None:
    """The four small drawings of an image, or None where it is blank.

    Args:
        gray: (H, W) uint8.

    Returns:
        (4, 64, 64) uint8: the frame, then what three thresholds leave of it without its border. All are
        stretched to the square, so that a stretched copy looks the same.
    """
    if int(gray.max()) - int(gray.min()) < _BLANK:
        return None
    image = Image.fromarray(gray)
    top, bottom, left, right = _without_frame(gray)
    inner = _reduced(image.crop((left, top, right, bottom)))
    image = _reduced(image)
    drawn = [_draw(image, (0, 0, image.width, image.height))]
    small = _at_most(inner, _WORK)
    across, down = inner.width / small.width, inner.height / small.height
    pixels = np.asarray(small)
    for level in _LEVELS:
        top, bottom, left, right = _without_background(pixels, level)
        box = (left * across, top * down, min(right * across, inner.width), min(bottom * down, inner.height))
        drawn.append(_draw(inner, box))
    return np.stack(drawn)


def codes(drawings: Thumbnails, side: int = 16, radius: int = 1) -> Hashes:
    """The codes of drawings: (..., 64, 64) uint8 to (..., side * side) int8 of -1, 0 and 1.

    Args:
        drawings: as `thumbnails` makes them.
        side: of the grid, a divisor of 64.
        radius: of the surroundings a cell is compared with, in cells.
    """
    step = SIDE // side
    sums = _shrunk(_shrunk(drawings.reshape(-1, SIDE, SIDE), step).swapaxes(1, 2), step).swapaxes(1, 2)
    cells = sums.astype(np.float32) * np.float32(1 / step**2)
    high = (cells - _box(cells, radius)).reshape(len(cells), -1)
    strength = np.abs(high)
    rank = round((1 - _CLEAR) * (strength.shape[1] - 1))
    clear = np.maximum(np.partition(strength, rank, axis=1)[:, rank, None], _NOISE)
    coded = np.where(strength >= clear, np.sign(high), 0).astype(np.int8)
    return coded.reshape(*drawings.shape[:-2], side * side)


def unit(coded: Hashes) -> npt.NDArray[np.float32]:
    """Codes as vectors of length 1, so that a dot product is their similarity, -1 to 1."""
    vectors = coded.astype(np.float32)
    length = np.sqrt(np.count_nonzero(coded, axis=-1, keepdims=True), dtype=np.float32)
    vectors /= np.maximum(length, 1)
    return vectors


def turned(values: npt.NDArray[Any], turn: int) -> npt.NDArray[Any]:
    """One of the eight flips and turns (`DIHEDRAL_NAMES`) of (..., S, S) drawings or of (..., S * S) codes or vectors."""
    if values.ndim > 1 and values.shape[-1] == values.shape[-2] == SIDE:
        return turned_pixels(values, turn)
    side = round(values.shape[-1] ** 0.5)
    return turned_pixels(values.reshape(*values.shape[:-1], side, side), turn).reshape(values.shape)


def _shrunk(values: npt.NDArray[Any], step: int) -> npt.NDArray[np.uint16]:
    """Sums of every `step` rows, as whole arrays: a reduction over short axes is ten times slower."""
    total = values[:, ::step].astype(np.uint16)
    for i in range(1, step):
        total += values[:, i::step]
    return total


def _draw(image: Image.Image, box: tuple[float, float, float, float]) -> Thumbnails:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX, box=box))


def _reduced(image: Image.Image) -> Image.Image:
    times = max(image.size) // _WORK
    return image.reduce(times) if times > 1 else image


def _at_most(image: Image.Image, longest: int) -> Image.Image:
    shrink = max(image.size) / longest
    if shrink <= 1:
        return image
    width, height = (max(_LEAST, round(side / shrink)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _without_frame(gray: GrayImage) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of what is left when uniform rows and columns are taken off, of any color."""
    box = (0, gray.shape[0], 0, gray.shape[1])
    while True:
        part = gray[box[0] : box[1], box[2] : box[3]]
        varied = (np.ptp(part, axis=axis) > _UNIFORM for axis in (1, 0))
        inner = _inner(box, *varied)
        if inner is None or inner == box:
            return box
        box = inner


def _without_background(gray: GrayImage, level: float) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the head: rows and columns with enough pixels above a quantile of the rest.

    The quantile is taken anew of what is left, until nothing changes. That end does not depend on how
    much border there was at the start, nor on brightness, contrast or gamma, which keep ranks.
    """
    box = (0, gray.shape[0], 0, gray.shape[1])
    while True:
        part = gray[box[0] : box[1], box[2] : box[3]]
        below = np.cumsum(Image.fromarray(part).histogram())  # seven times faster than counting with numpy
        bright = (part > np.searchsorted(below, level * part.size)).view(np.uint8)
        shares = (bright.sum(axis=axis, dtype=np.uint16) / bright.shape[axis] for axis in (1, 0))
        inner = _inner(box, *((share > _SHARE[0]) & (share < _SHARE[1]) for share in shares))
        if inner is None or inner == box:
            return box
        box = inner


def _inner(
    box: tuple[int, int, int, int], rows: npt.NDArray[np.bool_], columns: npt.NDArray[np.bool_]
) -> tuple[int, int, int, int] | None:
    """The box from the first to the last row and column that count; None where too little would be left."""
    down, across = np.flatnonzero(rows), np.flatnonzero(columns)
    if len(down) < _LEAST or len(across) < _LEAST:
        return None
    top, left = box[0], box[2]
    return int(top + down[0]), int(top + down[-1] + 1), int(left + across[0]), int(left + across[-1] + 1)


def _box(cells: npt.NDArray[np.float32], radius: int) -> npt.NDArray[np.float32]:
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
