"""gray values -> where the head is in them, and what gray lies around it.

The background is what the frame of an image mostly shows, be it black, gray or white. The head is the largest
connected part that differs from it, without holes and with a margin. All but the smallest differences count, so
that a faint scalp belongs to the head; letters and noise that do not touch it do not.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from tumorlens._arrays import Flags
from tumorlens._extras import require
from tumorlens.scan.types import GrayImage

_CELLS = 128  # on a side of the small drawing on which the head of an image is looked for
_EDGE = 3  # cells at the frame that say what the background is like
_HEAD = 0.1  # of the image's contrast: what differs more from the background belongs to the head
_LEAST = 8  # gray levels; less is noise
_MARGIN = 3  # cells around the head that count as head


def head_mask(gray: GrayImage) -> Flags:
    """Where the head is in an image, generously: none of Figshare's 3,064 tumors loses a pixel.

    Args:
        gray: (H, W) uint8.

    Returns:
        (H, W), true in the head and up to 1/42 of a side around it; true everywhere where the head reaches the
        frame on all sides, or nothing stands out.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    small = Image.fromarray(gray).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    cells = head_masks(np.asarray(small)[None])[0]
    rows, columns = ((2 * np.arange(side) + 1) * _CELLS // (2 * side) for side in gray.shape)
    head: Flags = cells[rows[:, None], columns]
    return head


def background_level(gray: GrayImage) -> int:
    """The gray of an image's background: the median of the cells at its frame.

    Args:
        gray: (H, W) uint8.
    """
    rows, columns = (max(1, _EDGE * side // _CELLS) for side in gray.shape)
    return int(np.median(gray[_at_frame(rows, columns, gray.shape)].astype(np.float32)))


def head_masks(frames: GrayImage) -> Flags:
    """Where the heads are in many small drawings at once, with a margin of three cells.

    Args:
        frames: (N, h, w) uint8, larger than 6 cells on a side.

    Returns:
        (N, h, w); true everywhere in a drawing without a clear background.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    ndimage = require("scipy.ndimage", "train", "find the head in an image")
    at_frame = frames[:, _at_frame(_EDGE, _EDGE, frames.shape[1:])]
    background = np.median(at_frame.astype(np.float32), axis=1)
    contrast = ndimage.uniform_filter(np.abs(frames - background[:, None, None]), (1, 3, 3))
    bright = np.quantile(contrast.reshape(len(frames), -1), 0.95, axis=1)
    bright = contrast > np.maximum(_HEAD * bright, _LEAST)[:, None, None]
    flat = np.zeros((3, 3, 3), dtype=bool)  # neighbors within an image, none in the next
    flat[1] = ndimage.generate_binary_structure(2, 1)
    pieces, count = ndimage.label(bright, flat)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    weight = sizes[pieces]
    largest = bright & (weight == weight.max(axis=(1, 2), keepdims=True))
    head = ndimage.binary_dilation(ndimage.binary_fill_holes(largest, flat), flat, iterations=_MARGIN)
    generous: Flags = head | ~bright.any(axis=(1, 2), keepdims=True)
    return generous


def _at_frame(rows: int, columns: int, size: tuple[int, ...]) -> Flags:
    """The cells less than so many rows and columns away from the frame."""
    edge = np.ones(size, dtype=bool)
    edge[rows:-rows, columns:-columns] = False
    return edge
