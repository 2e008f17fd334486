"""image + score -> where the score falls when the image is blurred there (Zeiler and Fergus 2014). NumPy alone.

A patch slides over the image, and the network answers anew each time. Under the patch lies the image's own local
mean, over a square three patches wide: a tumor of the size of the patch sinks into what surrounds it. A black patch
would be a hole that no scan has, and a black hole in a brain looks like a necrosis or a cyst; a gray one with sharp
edges looks like a tumor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from tumorlens.scan import GrayImage
from tumorlens.scan.input_geometry import CropWindow

Score = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating]]
"""(N, H, W) images -> (N,) of each."""

CELLS = 16  # steps that the canvas is long
PATCH = 2  # steps that a patch is long: an eighth of the canvas, 2.5 cm of a head of 20 cm
BATCH = 16  # images that are asked about at once


def occlusion(image: GrayImage, crop_window: CropWindow, score: Score) -> npt.NDArray[np.float32]:
    """How far the score falls, on average over the patches that cover a place.

    Args:
        image: (H, W) uint8.
        crop_window: how it lies on the canvas, of which patch and step are fixed parts.
        score: asked for the image, and for it with each of up to 225 patches; those that change nothing are left
            out, so that black background costs nothing.

    Returns:
        (16, 16) float32 over the canvas; negative where the score rises.
    """
    before = float(score(image[None])[0])
    blurred = _blurred(image, 3 * PATCH * crop_window.height // CELLS, 3 * PATCH * crop_window.width // CELLS)
    total, count = (np.zeros((CELLS, CELLS), np.float32) for _ in range(2))
    changed: list[tuple[int, int, Part]] = []
    for i, j, part in _patches(image, crop_window):
        count[i : i + PATCH, j : j + PATCH] += 1
        if not np.array_equal(image[part], blurred[part]):
            changed.append((i, j, part))
    for start in range(0, len(changed), BATCH):
        some = changed[start : start + BATCH]
        occluded = np.repeat(image[None], len(some), axis=0)
        for k, (_, _, part) in enumerate(some):
            occluded[k][part] = blurred[part]
        for (i, j, _), after in zip(some, score(occluded), strict=True):
            total[i : i + PATCH, j : j + PATCH] += before - float(after)
    return total / count


Part = tuple[slice, slice]


def _patches(image: GrayImage, crop_window: CropWindow) -> Iterator[tuple[int, int, Part]]:
    """Every patch: its first row and column in cells of the canvas, and the pixels of the image below it."""
    top, left, height, width = crop_window.box or (0, 0, *image.shape)
    rows = _edges(crop_window.top, crop_window.height, top, top + height)
    columns = _edges(crop_window.left, crop_window.width, left, left + width)
    for i in range(CELLS - PATCH + 1):
        for j in range(CELLS - PATCH + 1):
            yield i, j, (slice(rows[i], rows[i + PATCH]), slice(columns[j], columns[j + PATCH]))


def _edges(first: int, length: int, low: int, high: int) -> list[int]:
    """Where the cells of one axis begin and end, in pixels of the image, kept within what the network sees of it."""
    return [min(max(first + round(k * length / CELLS), low), high) for k in range(CELLS + 1)]


def _blurred(image: GrayImage, height: int, width: int) -> GrayImage:
    """The mean over a rectangle around each pixel, of so much of it as lies in the image."""
    mean = image.astype(np.float64)
    for axis, length in enumerate((height, width)):
        mean = _mean_along(mean, axis, max(length // 2, 1))
    blurred: GrayImage = np.rint(mean).astype(np.uint8)
    return blurred


def _mean_along(values: npt.NDArray[np.float64], axis: int, reach: int) -> npt.NDArray[np.float64]:
    """The mean of each value and of up to `reach` neighbors on both sides."""
    extent = values.shape[axis]
    sums = np.concatenate([np.zeros_like(np.take(values, [0], axis)), values.cumsum(axis)], axis)
    pixel = np.arange(extent)
    first, end = np.maximum(pixel - reach, 0), np.minimum(pixel + reach + 1, extent)
    shape = (-1, 1) if axis == 0 else (1, -1)
    means: npt.NDArray[np.float64] = np.take(sums, end, axis) - np.take(sums, first, axis)
    means /= (end - first).reshape(shape)
    return means
