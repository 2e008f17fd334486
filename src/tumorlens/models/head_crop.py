"""Gray images -> bounding box of the head in each: the brain-contour crop, as tensor operations that export.

The usual steps: blur, threshold, erode, dilate, largest outer contour, bounding box. The usual implementation works on
the image's own pixels with a threshold of 45 of 255, which cuts off all or part of the tumor in 36 of Figshare's 3,064
slices. Here the threshold follows the gray values of the image (and no tumor is cut), and all steps work on a grid of
fixed size. All sums are of whole numbers that float32 represents exactly, so PyTorch and ONNX Runtime find the same
box.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

_GRID = 128  # cells per side; with sides up to 2**14 pixels the sum over a cell stays below 2**24
_STATISTICS = 4  # every fourth cell of each axis counts for the range of gray values
_BRIGHT = 0.95  # quantile used as brightness of tissue; the brightest 5 % may be fat or contrast agent
_SHARE = 0.15  # threshold between background (0) and tissue (1); 45 of 255 is 0.18
_THIN = 1  # cells: lines and letters up to twice this thickness are removed before the outline is filled
_STEPS = 2  # of erosion and of dilation, as usual
_ROUNDS = 6  # of merging labels; four were enough for each of 920 real images
_REGROWN = 3  # cells: restores a nose or an ear that the erosion removed
_MIN_SHARE = 0.03  # of the image; a smaller component is no head


def head_boxes(images: Tensor) -> Tensor:
    """The bounding box of the head in each image, found by the dark background around it.

    Args:
        images: (N, H, W) uint8, sides up to 16384 pixels.

    Returns:
        (N, 4) int64: top, left, height, width, in pixels; the whole image where no head is found.
    """
    height, width = images.shape[-2], images.shape[-1]
    grid = _grid(images)
    outline = fill_outline(_opened((grid > _threshold(grid)).float(), _THIN))
    blobs = _opened(outline, _STEPS)
    head = _largest(blobs)
    for _ in range(_REGROWN):
        head = _dilated(head, 1) * outline
    top, bottom = _ends(head.amax(2), height)
    left, right = _ends(head.amax(1), width)
    return torch.stack([top, left, bottom - top, right - left], 1)


def _grid(images: Tensor) -> Tensor:
    """(N, 128, 128) mean gray values; cells are two steps wide, so neighbors overlap: this is the blur."""
    down, across = (_cells(length, images.device) for length in images.shape[-2:])
    return (down @ images.float() @ across.T) / (down.sum(1)[:, None] * across.sum(1))


def _cells(length: int, device: torch.device) -> Tensor:
    """(128, length) of 0 and 1: the pixels of an axis that belong to each cell."""
    cell = torch.arange(_GRID, device=device)
    first = (2 * cell - 1).clamp(min=0) * length // (2 * _GRID)
    end = torch.maximum((2 * cell + 3).clamp(max=2 * _GRID) * length // (2 * _GRID), first + 1)
    pixel = torch.arange(length, device=device)
    return ((pixel >= first[:, None]) & (pixel < end[:, None])).float()


def _threshold(grid: Tensor) -> Tensor:
    """(N, 1, 1): between the darkest cell and bright tissue, so it follows brightness and contrast."""
    sampled = grid[:, _STATISTICS // 2 :: _STATISTICS, _STATISTICS // 2 :: _STATISTICS].flatten(1)
    count = (_GRID // _STATISTICS) ** 2
    ordered = torch.topk(sampled, count, dim=1).values
    dark, bright = ordered[:, count - 1], ordered[:, round(count * (1 - _BRIGHT))]
    return (dark + _SHARE * (bright - dark))[:, None, None]


def _dilated(mask: Tensor, steps: int) -> Tensor:
    """The largest value up to `steps` cells away; values are 0 or more.

    Shifted copies, four times as fast as PyTorch's max-pooling. In an exported graph it is max-pooling all the same,
    which ONNX Runtime computes faster, and which is traced in half the time.
    """
    kernel = 2 * steps + 1
    if torch.onnx.is_in_onnx_export():
        return F.max_pool2d(mask[:, None], kernel, stride=1, padding=steps)[:, 0]
    padded = F.pad(mask, (steps,) * 4)
    rows = reduce(torch.maximum, (padded[:, first : first + mask.shape[1]] for first in range(kernel)))
    return reduce(torch.maximum, (rows[:, :, first : first + mask.shape[2]] for first in range(kernel)))


def _opened(mask: Tensor, steps: int) -> Tensor:
    """Eroded, then dilated; the edge of the image does not erode."""
    return _dilated(1 - _dilated(1 - mask, steps), steps)


def fill_outline(mask: Tensor) -> Tensor:
    """The mask with its holes filled (cells that have the mask on all four sides): only the outer contour counts.

    Without this, a dark skull separates the brain from the scalp, and either of them may be the larger component.
    """
    between = torch.ones_like(mask)
    for axis in (1, 2):
        before = mask.cumsum(axis)
        after = before.narrow(axis, mask.shape[axis] - 1, 1) - before + mask
        between = between * ((before > 0) & (after > 0))
    return between


def _largest(mask: Tensor) -> Tensor:
    """The largest connected component of each mask; all 0 where it is too small to be a head.

    Components are labeled on every second cell: each cell points to a cell of its component with a higher number, roots
    are hooked to the highest number that a neighbor points to, and pointers are shortened, after Shiloach and Vishkin
    1982 (Journal of Algorithms 3:57).
    """
    half = _GRID // 2
    coarse = F.max_pool2d(mask[:, None], 2)[:, 0]
    occupied = coarse.flatten(1)
    points = torch.arange(half * half, dtype=mask.dtype, device=mask.device).expand(occupied.shape)
    for _ in range(_ROUNDS):
        neighbors = _dilated((points * occupied).view(coarse.shape), 1).flatten(1)
        highest = torch.where(occupied > 0, neighbors, points)
        points = points.scatter_reduce(1, points.long(), highest, "amax")
        points = points.gather(1, points.long())
        points = points.gather(1, points.long())
    sizes = torch.zeros_like(occupied).scatter_add(1, points.long(), occupied)
    enough = sizes.amax(1, keepdim=True) >= _MIN_SHARE * half * half
    largest = (points == sizes.argmax(1, keepdim=True)) & enough
    upsampled = largest.view(coarse.shape).repeat_interleave(2, 1).repeat_interleave(2, 2)
    return upsampled * mask


def _ends(occupied: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """First pixel of an axis in an occupied cell, and the one after the last; the whole axis where no cell is."""
    cell = torch.arange(_GRID, device=occupied.device)
    any_occupied = occupied.amax(1) > 0
    first = torch.where(occupied > 0, cell, _GRID).amin(1)
    end = torch.where(occupied > 0, cell + 1, 0).amax(1)
    first, end = torch.where(any_occupied, first, 0), torch.where(any_occupied, end, _GRID)
    return first * length // _GRID, (end * length + _GRID - 1) // _GRID
