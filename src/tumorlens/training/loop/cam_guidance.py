"""Class activation maps + reference masks -> localization metrics, and the loss of CAM-guided training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_EPSILON = 0.1  # of a class score: limits the effect of maps that hardly contribute to it


def class_maps(weights: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Contribution of each position to the score of the reference class: the class activation map of Zhou et al. 2016.

    Args:
        weights: (K, C), as `Network.classifier_weights`.
        features: (N, C, h, w), as `ModelOutput.features`.
        labels: (N,) class indices.

    Returns:
        (N, h, w) in float32, also under autocast; negative where a position lowers the score. Gradients flow to weights
        and features.
    """
    with torch.autocast(features.device.type, enabled=False):
        return torch.einsum("nc,nchw->nhw", weights.float()[labels], features.float())


def relevance_mass_accuracy(maps: Tensor, masks: Tensor) -> Tensor:
    """Share of the positive relevance of a map that is inside the tumor, at the resolution of the mask.

    Relevance mass accuracy: Arras et al. 2022, CLEVR-XAI, Information Fusion 81:14.

    Args:
        maps: (N, h, w).
        masks: (N, 1, S, S), 1 = tumor; none is empty.

    Returns:
        (N,) float32, 0 to 1; 0 for a map without positive values.
    """
    positive = maps.relu()
    inside = (positive * _shares(masks, maps)).sum((1, 2))
    return inside / positive.sum((1, 2)).clamp(min=torch.finfo(maps.dtype).tiny)


def pointing_game_hits(maps: Tensor, masks: Tensor) -> Tensor:
    """Whether the maximum of a map, upsampled to the size of the mask, is inside the tumor: the pointing game.

    Zhang et al. 2016, Top-down neural attention by excitation backprop (arXiv:1608.00507), without a tolerance.

    Args:
        maps: (N, h, w).
        masks: (N, 1, S, S), 1 = tumor.

    Returns:
        (N,) bool; False for a map without positive values.
    """
    upsampled = F.interpolate(maps[:, None], size=masks.shape[-2:], mode="bilinear", align_corners=False)
    best, where = upsampled.flatten(1).max(1)
    return masks.flatten(1).gather(1, where[:, None])[:, 0].bool() & (best > 0)


def cam_guidance_loss(maps: Tensor, masks: Tensor) -> Tensor:
    """One minus relevance mass accuracy, relative to its highest possible value, mean over images.

    The highest possible value is that of the single cell with the largest share of tumor: over Figshare's masks 0.34 on
    average with 7 x 7 cells, and 0.70 with 14 x 14. Without this normalization a small tumor would hardly count.

    ReLU passes no gradient where a map is negative, so a map that is zero, or positive only outside of the tumor, could
    never move into it. Cells with a larger share of tumor than the current accuracy therefore get a gradient also where
    they are negative (straight-through: only the gradient changes, not the value).

    Args:
        maps: (N, h, w), as `class_maps`.
        masks: (N, 1, S, S), 1 = tumor; none is empty.

    Returns:
        A scalar, 0 to 1; 0 for no image.
    """
    if not len(maps):
        return maps.sum()  # zero, but with a gradient for every weight, as DDP expects
    share, positive = _shares(masks, maps), maps.relu()
    inside_more = share > relevance_mass_accuracy(maps.detach(), masks)[:, None, None]
    positive = torch.where(inside_more, maps + (positive - maps).detach(), positive)
    inside, total = (positive * share).mean((1, 2)), positive.mean((1, 2))
    return (1 - inside / (total + _EPSILON) / share.amax((1, 2))).mean()


def _shares(masks: Tensor, maps: Tensor) -> Tensor:
    """(N, h, w): the share of each cell of a map that is inside the tumor.

    Bilinear upsampling spreads a cell over its neighbors as a triangle function. The share is the mean of the mask
    under that function, so results equal those of the upsampled map, to some hundredths of a cell at the edge of the
    image.
    """
    return F.interpolate(masks.float(), size=maps.shape[-2:], mode="bilinear", antialias=True)[:, 0]
