"""Tissue of a head: where it is, the regions to inpaint or paste into, and inpainting with tissue of the same image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_BORDER = 0.015  # of the side: added around a mask, which is never exact to the pixel
_SEAM = 0.005  # of the side: a quarter of the width over which the new gray values fade out
_RING = 0.03  # of the side: width of the surrounding tissue that the gray level is matched to
_TISSUE = 0.12  # of the brightest tissue; darker pixels are air or background
_TRIES = 24  # random offsets

Pixels = tuple[Tensor, ...]
"""Rows and columns of pixels in an image."""

MIN_TISSUE = 0.95
"""Least share of tissue in a region to fill, and in the region that it is filled from."""


@dataclass(frozen=True)
class PasteRegion:
    """A mask with its border, seam and surroundings.

    Attributes:
        core: (S, S) bool, the mask and a border.
        around: (S, S) bool, the ring around the core, to whose gray level new values are matched.
        inner: rows and columns of the core.
        outer: those of the core and of the seam, over which new values fade out.
        weight: of the new values, for each pixel of `outer`, 0 to 1.
    """

    core: Tensor
    around: Tensor
    inner: Pixels
    outer: Pixels
    weight: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> PasteRegion:
        """The region of a mask, (S, S) bool."""
        border, seam, ring = widths(mask)
        core = dilated(mask, border)
        outer = torch.where(dilated(core, 4 * seam))
        return cls(core, dilated(core, ring) & ~core, torch.where(core), outer, _faded(core, seam)[outer])

    def blend(self, image: Tensor, values: Tensor) -> Tensor:
        """The image, (S, S) uint8, blended with new float values in the pixels of `outer`."""
        blended, before = image.clone(), image[self.outer].float()
        blended[self.outer] = (before + self.weight * (values - before)).round().clamp(0, 255).to(torch.uint8)
        return blended


def widths(mask: Tensor) -> tuple[int, int, int]:
    """Margin around a mask, a quarter of the seam around that, and the ring around it, pixels."""
    border, seam, ring = (max(1, round(share * mask.shape[-1])) for share in (_BORDER, _SEAM, _RING))
    return border, seam, ring


def inpaint(image: Tensor, mask: Tensor, tumor: Tensor) -> Tensor | None:
    """Fill a region with tissue of the same image, from the other side of the head or from beside the region.

    Of several candidates, the one is used whose surroundings are most similar to those of the region.

    Args:
        image: (S, S) uint8.
        mask: (S, S) bool, to be filled together with a border.
        tumor: (S, S) bool, never used as a source.

    Returns:
        (S, S) uint8; None where there is no suitable tissue.
    """
    region, tissue, values = PasteRegion.of(mask), tissue_of(image), image.float()
    source = tissue & ~dilated(tumor, widths(mask)[0])
    inner, outer, ring = region.inner, region.outer, torch.where(region.around & source)
    smallest, best = math.inf, None
    for offset in [_mirrored(tissue), *random_offsets(inner)]:
        both = _shifted_values(source, ring, offset)
        if (
            not both.any()
            or _shifted_values(source, inner, offset).float().mean() < MIN_TISSUE
            or _shifted_values(tumor, outer, offset).any()
        ):
            continue
        level = values[ring][both]
        difference = level - _shifted_values(values, ring, offset)[both]
        # Both a seam and a vessel or cavity in homogeneous tissue would be visible.
        inside = _shifted_values(values, inner, offset) + difference.mean()
        dissimilarity = float((difference - difference.mean()).abs().mean() + (inside - level.mean()).abs().mean())
        if dissimilarity < smallest:
            smallest, best = dissimilarity, _shifted_values(values, outer, offset) + difference.mean()
    return None if best is None else region.blend(image, best)


def tissue_of(image: Tensor) -> Tensor:
    """(S, S) bool: brighter than air, after a little blur."""
    smooth = F.avg_pool2d(image[None].float(), 5, stride=1, padding=2)[0]
    return smooth > _TISSUE * torch.quantile(smooth, 0.98)


@dataclass(frozen=True)
class Offset:
    """Offset from a pixel to its source: rows down, columns across, perhaps mirrored left to right."""

    down: int
    across: int
    mirrored: bool = False

    def apply(self, pixels: Pixels, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
        """Rows and columns, clamped to the image, and whether each was inside of it."""
        rows = pixels[0] + self.down
        columns = self.across + (-pixels[1] if self.mirrored else pixels[1])
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        return rows.clamp(0, shape[0] - 1), columns.clamp(0, shape[1] - 1), inside


def _mirrored(tissue: Tensor) -> Offset:
    """Left and right exchanged about the middle of the head."""
    columns = torch.where(tissue.any(0))[0]
    return Offset(0, int(columns[0]) + int(columns[-1]) if len(columns) else tissue.shape[1] - 1, mirrored=True)


def random_offsets(pixels: Pixels) -> list[Offset]:
    """Random offsets of half to two and a half times the extent of a region."""
    extents = [int(along.max() - along.min()) + 1 for along in pixels]
    distance, angle = 0.5 + 2 * torch.rand(_TRIES), 2 * torch.pi * torch.rand(_TRIES)
    down, across = distance * extents[0] * angle.sin(), distance * extents[1] * angle.cos()
    return [Offset(round(float(dy)), round(float(dx))) for dy, dx in zip(down, across, strict=True)]


def _shifted_values(values: Tensor, pixels: Pixels, offset: Offset) -> Tensor:
    """The values at the sources of pixels; 0 or False outside of the image."""
    rows, columns, inside = offset.apply(pixels, values.shape)
    shifted = values[rows, columns]
    return shifted & inside if shifted.dtype == torch.bool else shifted * inside


def dilated(mask: Tensor, by: int) -> Tensor:
    """(S, S) bool, larger by so many pixels on each side."""
    return _dilated_along(_dilated_along(mask, by, 0), by, 1)


def _dilated_along(mask: Tensor, by: int, axis: int) -> Tensor:
    """(S, S) bool, dilated along one axis, by running sums: the cost does not depend on the width."""
    side = mask.shape[axis]
    sums = F.pad(mask.cumsum(axis), (0, 0, 1, 0) if axis == 0 else (1, 0))
    steps = torch.arange(side)
    low, high = (steps - by).clamp(min=0), (steps + by + 1).clamp(max=side)
    return sums.index_select(axis, high) > sums.index_select(axis, low)


def _faded(mask: Tensor, width: int) -> Tensor:
    """(S, S) from 0 to 1: 1 inside, falling to 0 over four times the width around it."""
    weight = dilated(mask, 2 * width)[None].float()
    for _ in range(2):
        weight = F.avg_pool2d(weight, 2 * width + 1, stride=1, padding=width, count_include_pad=False)
    return weight[0]
