"""gray values -> head mask, and the gray level of the background.

The background is the median at the border of an image, be it black, gray or white. The head is the largest connected
component that differs from it, with holes filled, and dilated. A low threshold keeps a faint scalp; letters and noise
that do not touch the head are left out.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from tumorlens._arrays import Flags
from tumorlens.scan.types import GrayImage

_CELLS = 128  # side of the thumbnail on which the head is segmented
_BORDER = 3  # cells at the border that give the background
_HEAD_CONTRAST = 0.1  # of the contrast of the image: minimum difference of the head from the background
_NOISE = 8  # gray levels; smaller differences are noise
_DILATION = 3  # cells around the head that count as head


def head_mask(gray: GrayImage) -> Flags:
    """Segment the head in an image, generously: none of Figshare's 3,064 tumors loses a pixel.

    Args:
        gray: (H, W) uint8.

    Returns:
        (H, W), true in the head and up to 1/42 of a side around it; true everywhere if the head touches all four
        borders, or nothing differs from the background.
    """
    small = Image.fromarray(gray).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    cells = head_masks(np.asarray(small)[None])[0]
    rows, columns = ((2 * np.arange(side) + 1) * _CELLS // (2 * side) for side in gray.shape)
    head: Flags = cells[rows[:, None], columns]
    return head


def background_level(gray: GrayImage) -> int:
    """The gray level of the background: the median at the border of the image.

    Args:
        gray: (H, W) uint8.
    """
    rows, columns = (max(1, _BORDER * side // _CELLS) for side in gray.shape)
    return int(np.median(gray[_at_border(rows, columns, gray.shape)].astype(np.float32)))


def head_masks(thumbnails: GrayImage) -> Flags:
    """Segment the heads in many thumbnails at once, dilated by three cells.

    Args:
        thumbnails: (N, h, w) uint8, larger than 6 cells on a side.

    Returns:
        (N, h, w); true everywhere in a thumbnail without a clear background.
    """
    from scipy import ndimage

    at_border = thumbnails[:, _at_border(_BORDER, _BORDER, thumbnails.shape[1:])]
    background = np.median(at_border.astype(np.float32), axis=1)
    contrast = ndimage.uniform_filter(np.abs(thumbnails - background[:, None, None]), (1, 3, 3))
    bright = np.quantile(contrast.reshape(len(thumbnails), -1), 0.95, axis=1)
    bright = contrast > np.maximum(_HEAD_CONTRAST * bright, _NOISE)[:, None, None]
    flat = np.zeros((3, 3, 3), dtype=bool)  # neighbors within an image, none in the next
    flat[1] = ndimage.generate_binary_structure(2, 1)
    components, count = ndimage.label(bright, flat)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    sizes[0] = 0
    size = sizes[components]
    largest = bright & (size == size.max(axis=(1, 2), keepdims=True))
    head = ndimage.binary_dilation(ndimage.binary_fill_holes(largest, flat), flat, iterations=_DILATION)
    generous: Flags = head | ~bright.any(axis=(1, 2), keepdims=True)
    return generous


def _at_border(rows: int, columns: int, size: tuple[int, ...]) -> Flags:
    """The cells less than `rows` and `columns` away from the border."""
    border = np.ones(size, dtype=bool)
    border[rows:-rows, columns:-columns] = False
    return border
