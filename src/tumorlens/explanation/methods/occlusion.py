"""Image + score -> where blurring the image lowers the score (Zeiler and Fergus 2014). NumPy alone.

A patch slides over the image, and the score is computed again each time. The patch shows the local mean of the image
over a square three patches wide: a tumor of the size of the patch blends into its surroundings. A black patch would be
a hole that no scan has, and looks like a necrosis or a cyst in a brain; a gray one with sharp edges looks like a tumor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from tumorlens.scan import GrayImage
from tumorlens.scan.input_geometry import CropWindow

ScoreFunction = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating]]
"""(N, H, W) images -> (N,) scores."""

CELLS = 16  # steps along the input
PATCH = 2  # steps along a patch: an eighth of the input, 2.5 cm of a head of 20 cm
BATCH = 16  # images per forward pass


def occlusion(
    image: GrayImage, crop_window: CropWindow, score: ScoreFunction, batch_size: int = BATCH
) -> npt.NDArray[np.float32]:
    """The drop of the score, averaged over the patches that cover each cell.

    Args:
        image: (H, W) uint8.
        crop_window: where the network's input lies in the image; patch and step are fixed fractions of the input.
        score: called with the image, and with up to 225 occluded copies. Patches that change no pixel are skipped, so
            that black background costs nothing.
        batch_size: copies that are scored at one time.

    Returns:
        (16, 16) float32 over the input; negative where the score rises.
    """
    before = float(score(image[None])[0])
    blurred = _blurred(image, 3 * PATCH * crop_window.height // CELLS, 3 * PATCH * crop_window.width // CELLS)
    total, count = (np.zeros((CELLS, CELLS), np.float32) for _ in range(2))
    changed: list[tuple[int, int, Patch]] = []
    for i, j, patch in _patches(image, crop_window):
        count[i : i + PATCH, j : j + PATCH] += 1
        if not np.array_equal(image[patch], blurred[patch]):
            changed.append((i, j, patch))
    for start in range(0, len(changed), batch_size):
        batch = changed[start : start + batch_size]
        occluded = np.repeat(image[None], len(batch), axis=0)
        for k, (_, _, patch) in enumerate(batch):
            occluded[k][patch] = blurred[patch]
        for (i, j, _), after in zip(batch, score(occluded), strict=True):
            total[i : i + PATCH, j : j + PATCH] += before - float(after)
    return total / count


Patch = tuple[slice, slice]
"""Rows and columns of an image."""


def _patches(image: GrayImage, crop_window: CropWindow) -> Iterator[tuple[int, int, Patch]]:
    """Every patch: its first row and column in cells of the input, and the pixels of the image that it covers."""
    top, left, height, width = crop_window.box or (0, 0, *image.shape)
    rows = _edges(crop_window.top, crop_window.height, top, top + height)
    columns = _edges(crop_window.left, crop_window.width, left, left + width)
    for i in range(CELLS - PATCH + 1):
        for j in range(CELLS - PATCH + 1):
            yield i, j, (slice(rows[i], rows[i + PATCH]), slice(columns[j], columns[j + PATCH]))


def _edges(first: int, length: int, low: int, high: int) -> list[int]:
    """The edges of the cells along one axis, in pixels of the image, clipped to the part that the network sees."""
    return [min(max(first + round(k * length / CELLS), low), high) for k in range(CELLS + 1)]


def _blurred(image: GrayImage, height: int, width: int) -> GrayImage:
    """The mean over a rectangle around each pixel, clipped to the image."""
    mean = image.astype(np.float64)
    for axis, length in enumerate((height, width)):
        mean = _mean_along(mean, axis, max(length // 2, 1))
    blurred: GrayImage = np.rint(mean).astype(np.uint8)
    return blurred


def _mean_along(values: npt.NDArray[np.float64], axis: int, radius: int) -> npt.NDArray[np.float64]:
    """The mean of each value and of up to `radius` neighbors on both sides."""
    extent = values.shape[axis]
    sums = np.concatenate([np.zeros_like(np.take(values, [0], axis)), values.cumsum(axis)], axis)
    pixel = np.arange(extent)
    first, end = np.maximum(pixel - radius, 0), np.minimum(pixel + radius + 1, extent)
    shape = (-1, 1) if axis == 0 else (1, -1)
    means: npt.NDArray[np.float64] = np.take(sums, end, axis) - np.take(sums, first, axis)
    means /= (end - first).reshape(shape)
    return means
