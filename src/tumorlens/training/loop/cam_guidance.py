"""Class activation maps + true masks -> how much of what speaks for a class lies in the tumor, and a loss of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAST = 0.1  # of a class score: a map that adds less to it than this is not worth sharpening further


def class_maps(weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """What each place adds to the score of the true class: the class activation map of Zhou et al. 2016.

    Args:
        weights: (K, C), as `Network.class_weights`.
        features: (N, C, h, w), as `ModelOutput.features`.
        labels: (N,) class numbers.

    Returns:
        (N, h, w) in float32, also under autocast, negative where a place speaks against the class. Gradients reach
        weights and features.
    """
    with torch.autocast(features.device.type, enabled=False):
        return torch.einsum("nc,nchw->nhw", weights.float()[labels], features.float())


def relevance_mass_accuracy(maps: Tensor, masks: Tensor) -> Tensor:
    """The share of a map's positive part that lies in the tumor, once it is enlarged to the mask's size.

    Args:
        maps: (N, h, w).
        masks: (N, 1, S, S), 1 where the tumor is; each shows one.

    Returns:
        (N,) float32, 0 to 1; 0 for a map that is nowhere positive.
    """
    positive = maps.relu()
    inside = (positive * _shares(masks, maps)).sum((1, 2))
    return inside / positive.sum((1, 2)).clamp(min=torch.finfo(maps.dtype).tiny)


def pointing_game_hits(maps: Tensor, masks: Tensor) -> Tensor:
    """Whether the strongest place of a map, enlarged to the mask's size, lies in the tumor: the pointing game.

    Zhang et al. 2018, Top-down neural attention by excitation backprop (arXiv:1608.00507), without a tolerance.

    Args:
        maps: (N, h, w).
        masks: (N, 1, S, S), 1 where the tumor is.

    Returns:
        (N,) bool; False for a map that is nowhere positive.
    """
    large = F.interpolate(maps[:, None], size=masks.shape[-2:], mode="bilinear", align_corners=False)
    best, where = large.flatten(1).max(1)
    return masks.flatten(1).gather(1, where[:, None])[:, 0].bool() & (best > 0)


def cam_guidance_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """One minus the energy inside the tumor, of the most that a map of this size can have, averaged over images.

    The most is what the one cell that the tumor fills best would have: over Figshare's outlines 0.34 on average with
    7 x 7 cells, and 0.70 with 14 x 14. Without this a small tumor would hardly count.

    Where the map is cut off at zero no gradient would pass, and a map that is zero, or positive beside the tumor
    alone, could never be moved into it. So the cells that hold more of the tumor than the map does so far get their
    gradient below zero, too, and only it: their value stays that of the map.

    Args:
        maps: (N, h, w), as `class_maps`.
        masks: (N, 1, S, S), 1 where the tumor is; each shows one.

    Returns:
        A scalar, 0 to 1; 0 where there is no image.
    """
    if not len(maps):
        return maps.sum()  # a zero that every weight still has a gradient of, as DDP expects
    share, positive = _shares(masks, maps), maps.relu()
    wanted = share > relevance_mass_accuracy(maps.detach(), masks)[:, None, None]
    positive = torch.where(wanted, maps + (positive - maps).detach(), positive)
    inside, total = (positive * share).mean((1, 2)), positive.mean((1, 2))
    return (1 - inside / (total + _LEAST) / share.amax((1, 2))).mean()


def _shares(masks: Tensor, maps: Tensor) -> Tensor:
    """(N, h, w): the share of each cell of a map that lies in the tumor.

    Bilinear enlargement spreads a cell over its neighbors as a tent. The mean of the mask under that tent is what the
    cell puts inside, so energies are those of the enlarged map, to some hundredths of a cell at the image's rim.
    """
    return F.interpolate(masks.float(), size=maps.shape[-2:], mode="bilinear", antialias=True)[:, 0]
