"""Image -> the same with its head, everything outside of its head, or its tumor occluded."""

from __future__ import annotations

import numpy as np

from tumorlens._arrays import Flags
from tumorlens.scan import GrayImage, Mask
from tumorlens.scan.foreground import background_level, head_mask

_BEYOND = 0.01  # of the longer side, or 2 pixels: occluded around a contour, which is never exact to the pixel
_RING = 0.02  # of the longer side: the width of the ring around that that gives the gray value of the filling


def head_occluded(gray: GrayImage, head: Flags) -> GrayImage:
    """The image's background where the head was, (H, W) uint8; `head` is that of `head_mask`."""
    return np.where(head, np.uint8(background_level(gray)), gray)


def outside_head_occluded(gray: GrayImage, head: Flags) -> GrayImage:
    """The image's background, even and clean, everywhere but in the head, (H, W) uint8."""
    return np.where(head, gray, np.uint8(background_level(gray)))


def tumor_occluded(gray: GrayImage, mask: Mask) -> GrayImage:
    """The image with its tumor filled evenly, in the median gray of what lies around it in the head.

    A black region would show the place of the tumor as clearly as the tumor does. An even region still shows a shape.

    Args:
        gray: (H, W) uint8.
        mask: (H, W), 1 = tumor, at least one pixel.

    Returns:
        (H, W) uint8; a hundredth of the longer side, at least 2 pixels, around the contour is filled as well.
    """
    from scipy import ndimage

    longer = max(gray.shape)
    beyond = max(2.0, _BEYOND * longer)
    outer = beyond + max(2.0, _RING * longer)
    near = _around(mask, int(np.ceil(outer)) + 1)
    distance = ndimage.distance_transform_edt(mask[near] == 0)
    head = head_mask(gray)[near]
    ring = (distance > beyond) & (distance <= outer) & head
    part = gray[near]
    filled = gray.copy()
    level = np.uint8(np.median(part[ring]) if ring.any() else np.median(gray))
    filled[near][(distance <= beyond) & head | (distance == 0)] = level
    return filled


def _around(mask: Mask, border: int) -> tuple[slice, slice]:
    """Rows and columns that hold the tumor and a border around it, within the image."""
    spans = []
    for axis in (1, 0):
        hits = np.flatnonzero(mask.any(axis=axis))
        spans.append(slice(max(0, int(hits[0]) - border), int(hits[-1]) + 1 + border))
    return spans[0], spans[1]
