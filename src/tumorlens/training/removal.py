"""A picture and its tumour -> the same head without it, from tissue elsewhere in it: healthy pictures of the same look.

Pictures of healthy heads come from other scanners, in other sequences, than those of tumours, and a network can tell
the classes apart by that. Where the tumour of some training pictures is taken out and they count as healthy, nothing
but the tumour tells those apart from the rest: counterfactual augmentation (Kaushik, Hovy and Lipton, ICLR 2020). As
many others are filled somewhere beside their tumour and keep their label, so that a filling says nothing by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision import tv_tensors

_BEYOND = 0.015  # of the side: what is filled around an outline, which is never drawn to the pixel
_SEAM = 0.005  # of the side: a quarter of the width over which the filling fades out around that
_RING = 0.03  # of the side: the tissue around it whose grey the filling is shifted to
_TISSUE = 0.12  # of the brightest tissue: what is darker is no tissue, but air or the picture's background
_INSIDE = 0.95  # of a filling, and of what it is taken from, that must be tissue
_TRIES = 24  # places that are tried


@dataclass(frozen=True)
class Removal:
    """Takes tumours out of pictures, by chance.

    Attributes:
        share: of the pictures with an outlined tumour that lose it; as many are filled elsewhere.
        healthy: the class of a picture without one.
    """

    share: float
    healthy: int

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 picture and tv_tensor mask, and the class -> the same, or what came of them.

        Draws from torch's generator. A picture in which no tissue is found to fill with stays as it is.
        """
        drawn = float(torch.rand(()))
        if drawn >= 2 * self.share or not mask.any():
            return image, mask, label
        tumour = mask[0] > 0
        if drawn < self.share:
            filled = fill(image[0], tumour, tumour)
            if filled is None:
                return image, mask, label
            return filled[None], tv_tensors.wrap(torch.zeros_like(mask), like=mask), self.healthy
        place = _elsewhere(image[0], tumour)
        filled = None if place is None else fill(image[0], place, tumour)
        return image if filled is None else filled[None], mask, label


def fill(image: Tensor, place: Tensor, tumour: Tensor) -> Tensor | None:
    """Put tissue of the same picture in a place: of the other side of the head, or from beside it.

    Of what can be had that is taken which is most like the surroundings of the place, and in most alike ones.

    Args:
        image: (S, S) uint8.
        place: (S, S) bool, to be filled; a little around it is filled too.
        tumour: (S, S) bool, from which nothing is taken.

    Returns:
        (S, S) uint8; None where no tissue for it is found.
    """
    beyond, seam, width = (max(1, round(share * image.shape[-1])) for share in (_BEYOND, _SEAM, _RING))
    core, spared, tissue = _grown(place, beyond), _grown(tumour, beyond), _tissue(image)
    source, values = tissue & ~spared, image.float()
    ring = torch.where(_grown(core, width) & ~core & source)
    inner, outer = torch.where(core), torch.where(_grown(core, 4 * seam))
    best, chosen = math.inf, None
    for move in [_mirrored(tissue), *_shifts(inner)]:
        both = _taken(source, ring, move)
        if not both.any() or _taken(source, inner, move).float().mean() < _INSIDE or _taken(tumour, outer, move).any():
            continue
        level = values[ring][both]
        apart = level - _taken(values, ring, move)[both]
        # A seam is seen, and so is a vessel or a cavity in the middle of even tissue.
        inside = _taken(values, inner, move) + apart.mean()
        unlike = float((apart - apart.mean()).abs().mean() + (inside - level.mean()).abs().mean())
        if unlike < best:
            best, chosen = unlike, _taken(values, outer, move) + apart.mean()
    if chosen is None:
        return None
    filled, weight = image.clone(), _soft(core, seam)[outer]
    filled[outer] = (values[outer] + weight * (chosen - values[outer])).round().clamp(0, 255).to(torch.uint8)
    return filled


def _elsewhere(image: Tensor, tumour: Tensor) -> Tensor | None:
    """The tumour's outline somewhere else in the head, beside the tumour; None where it fits nowhere."""
    side, outline = image.shape[-1], torch.where(tumour)
    tissue, spared = _tissue(image), _grown(tumour, max(3, round((2 * _BEYOND + 4 * _SEAM) * side)))
    for move in _shifts(outline):
        rows, columns, inside = move.points(outline, tumour.shape)
        free = inside.all() and not spared[rows, columns].any()
        if free and tissue[rows, columns].float().mean() >= _INSIDE:
            place = torch.zeros_like(tumour)
            place[rows, columns] = True
            return place
    return None


def _tissue(image: Tensor) -> Tensor:
    """(S, S) bool: brighter than air, after a little blur."""
    smooth = F.avg_pool2d(image[None].float(), 5, stride=1, padding=2)[0]
    return smooth > _TISSUE * torch.quantile(smooth, 0.98)


Points = tuple[Tensor, ...]
"""Rows and columns of places in a picture."""


@dataclass(frozen=True)
class _Move:
    """Where places are taken from: so many rows and columns away, perhaps with left and right exchanged."""

    down: int
    across: int
    mirrored: bool = False

    def points(self, places: Points, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
        """Rows and columns, cut to the picture, and which of them lie in it."""
        rows = places[0] + self.down
        columns = self.across + (-places[1] if self.mirrored else places[1])
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        return rows.clamp(0, shape[0] - 1), columns.clamp(0, shape[1] - 1), inside


def _mirrored(tissue: Tensor) -> _Move:
    """Left and right exchanged about the middle of the head."""
    shown = torch.where(tissue.any(0))[0]
    return _Move(0, int(shown[0]) + int(shown[-1]) if len(shown) else tissue.shape[1] - 1, mirrored=True)


def _shifts(places: Points) -> list[_Move]:
    """Random shifts, by half to two and a half times the extent of a place."""
    extents = [int(along.max() - along.min()) + 1 for along in places]
    reach, angle = 0.5 + 2 * torch.rand(_TRIES), 2 * torch.pi * torch.rand(_TRIES)
    down, across = reach * extents[0] * angle.sin(), reach * extents[1] * angle.cos()
    return [_Move(round(float(dy)), round(float(dx))) for dy, dx in zip(down, across, strict=True)]


def _taken(values: Tensor, places: Points, move: _Move) -> Tensor:
    """The values of places from where a move takes them; 0 or False from outside of the picture."""
    rows, columns, inside = move.points(places, values.shape)
    taken = values[rows, columns]
    return taken & inside if taken.dtype == torch.bool else taken * inside


def _grown(place: Tensor, by: int) -> Tensor:
    """(S, S) bool, larger by so many pixels on each side."""
    rows = F.max_pool2d(place[None].float(), (2 * by + 1, 1), stride=1, padding=(by, 0))  # one axis after the other
    return F.max_pool2d(rows, (1, 2 * by + 1), stride=1, padding=(0, by))[0] > 0


def _soft(place: Tensor, width: int) -> Tensor:
    """(S, S) from 0 to 1: 1 inside, falling to 0 over four times the width around it."""
    weight = _grown(place, 2 * width)[None].float()
    for _ in range(2):
        weight = F.avg_pool2d(weight, 2 * width + 1, stride=1, padding=width, count_include_pad=False)
    return weight[0]
