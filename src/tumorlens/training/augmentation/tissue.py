"""Places in a head: where there is tissue, what lies around, and tissue put from one place into another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_BEYOND = 0.015  # of the side: what is filled around an outline, which is never drawn to the pixel
_SEAM = 0.005  # of the side: a quarter of the width over which the filling fades out around that
_RING = 0.03  # of the side: the tissue around it whose gray the filling is shifted to
_TISSUE = 0.12  # of the brightest tissue: what is darker is no tissue, but air or the image's background
_TRIES = 24  # places that are tried

Points = tuple[Tensor, ...]
"""Rows and columns of places in an image."""

INSIDE = 0.95
"""Of a filling, and of what it is taken from, what must be tissue."""


@dataclass(frozen=True)
class Place:
    """An outline with what belongs to it when it is filled or taken elsewhere.

    Attributes:
        core: (S, S) bool, the outline and a little around it.
        around: (S, S) bool, the ring about it whose gray tells the level of the place.
        inner: rows and columns of the core.
        outer: those of the core and of the seam, over which what is put in fades out.
        weight: of what is put in, for each place of `outer`, 0 to 1.
    """

    core: Tensor
    around: Tensor
    inner: Points
    outer: Points
    weight: Tensor

    @classmethod
    def of(cls, outline: Tensor) -> Place:
        """From an outline, (S, S) bool."""
        beyond, seam, width = margins(outline)
        core = grown(outline, beyond)
        outer = torch.where(grown(core, 4 * seam))
        return cls(core, grown(core, width) & ~core, torch.where(core), outer, _soft(core, seam)[outer])

    def put(self, image: Tensor, values: Tensor) -> Tensor:
        """The image, (S, S) uint8, with these values in the places of `outer`, float, as far as they weigh there."""
        filled, before = image.clone(), image[self.outer].float()
        filled[self.outer] = (before + self.weight * (values - before)).round().clamp(0, 255).to(torch.uint8)
        return filled


def margins(outline: Tensor) -> tuple[int, int, int]:
    """What is filled around an outline, a quarter of the seam around that, and the ring around it, pixels."""
    beyond, seam, ring = (max(1, round(share * outline.shape[-1])) for share in (_BEYOND, _SEAM, _RING))
    return beyond, seam, ring


def fill(image: Tensor, outline: Tensor, tumor: Tensor) -> Tensor | None:
    """Put tissue of the same image in a place: of the other side of the head, or from beside it.

    Of what can be had that is taken which is most like the surroundings of the place, and in most alike ones.

    Args:
        image: (S, S) uint8.
        outline: (S, S) bool, to be filled; a little around it is filled too.
        tumor: (S, S) bool, from which nothing is taken.

    Returns:
        (S, S) uint8; None where no tissue for it is found.
    """
    place, tissue, values = Place.of(outline), tissue_of(image), image.float()
    source = tissue & ~grown(tumor, margins(outline)[0])
    inner, outer, ring = place.inner, place.outer, torch.where(place.around & source)
    best, chosen = math.inf, None
    for move in [_mirrored(tissue), *shifts(inner)]:
        both = _taken(source, ring, move)
        if not both.any() or _taken(source, inner, move).float().mean() < INSIDE or _taken(tumor, outer, move).any():
            continue
        level = values[ring][both]
        apart = level - _taken(values, ring, move)[both]
        # A seam is seen, and so is a vessel or a cavity in the middle of even tissue.
        inside = _taken(values, inner, move) + apart.mean()
        unlike = float((apart - apart.mean()).abs().mean() + (inside - level.mean()).abs().mean())
        if unlike < best:
            best, chosen = unlike, _taken(values, outer, move) + apart.mean()
    return None if chosen is None else place.put(image, chosen)


def tissue_of(image: Tensor) -> Tensor:
    """(S, S) bool: brighter than air, after a little blur."""
    smooth = F.avg_pool2d(image[None].float(), 5, stride=1, padding=2)[0]
    return smooth > _TISSUE * torch.quantile(smooth, 0.98)


@dataclass(frozen=True)
class Move:
    """Where places are taken from: so many rows and columns away, perhaps with left and right exchanged."""

    down: int
    across: int
    mirrored: bool = False

    def points(self, places: Points, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
        """Rows and columns, cut to the image, and which of them lie in it."""
        rows = places[0] + self.down
        columns = self.across + (-places[1] if self.mirrored else places[1])
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        return rows.clamp(0, shape[0] - 1), columns.clamp(0, shape[1] - 1), inside


def _mirrored(tissue: Tensor) -> Move:
    """Left and right exchanged about the middle of the head."""
    shown = torch.where(tissue.any(0))[0]
    return Move(0, int(shown[0]) + int(shown[-1]) if len(shown) else tissue.shape[1] - 1, mirrored=True)


def shifts(places: Points) -> list[Move]:
    """Random shifts, by half to two and a half times the extent of a place."""
    extents = [int(along.max() - along.min()) + 1 for along in places]
    reach, angle = 0.5 + 2 * torch.rand(_TRIES), 2 * torch.pi * torch.rand(_TRIES)
    down, across = reach * extents[0] * angle.sin(), reach * extents[1] * angle.cos()
    return [Move(round(float(dy)), round(float(dx))) for dy, dx in zip(down, across, strict=True)]


def _taken(values: Tensor, places: Points, move: Move) -> Tensor:
    """The values of places from where a move takes them; 0 or False from outside of the image."""
    rows, columns, inside = move.points(places, values.shape)
    taken = values[rows, columns]
    return taken & inside if taken.dtype == torch.bool else taken * inside


def grown(place: Tensor, by: int) -> Tensor:
    """(S, S) bool, larger by so many pixels on each side."""
    return _spread(_spread(place, by, 0), by, 1)


def _spread(place: Tensor, by: int, axis: int) -> Tensor:
    """(S, S) bool, larger along one axis: where any is within reach, counted from running sums, whatever the reach."""
    side = place.shape[axis]
    sums = F.pad(place.cumsum(axis), (0, 0, 1, 0) if axis == 0 else (1, 0))
    steps = torch.arange(side)
    low, high = (steps - by).clamp(min=0), (steps + by + 1).clamp(max=side)
    return sums.index_select(axis, high) > sums.index_select(axis, low)


def _soft(place: Tensor, width: int) -> Tensor:
    """(S, S) from 0 to 1: 1 inside, falling to 0 over four times the width around it."""
    weight = grown(place, 2 * width)[None].float()
    for _ in range(2):
        weight = F.avg_pool2d(weight, 2 * width + 1, stride=1, padding=width, count_include_pad=False)
    return weight[0]
