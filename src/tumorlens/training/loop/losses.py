"""Output + class + reference mask -> loss of a network that classifies and segments."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import FocalLoss
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens.models import ModelOutput


class LossTerms(NamedTuple):
    """The loss and its terms, each without its weight.

    Attributes:
        total: the weighted sum, to be minimized.
        classification: cross-entropy over the batch.
        segmentation: Dice and focal loss of the mask, mean over the images with a known mask; 0 without any.
        auxiliary: the same for the auxiliary heads, mean over the heads; 0 without any.
    """

    total: Tensor
    classification: Tensor
    segmentation: Tensor
    auxiliary: Tensor


_HIGHEST = 100  # one in so many pixels

DiceOver = Literal["image", "batch"]
"""Dice loss of each image, or of all pixels of a batch."""


class SegmentationLoss(nn.Module):
    """Dice loss of the overlap, and focal loss of each pixel (Lin et al. 2017).

    Dice over a batch, as nnU-Net uses it for slices (Isensee et al. 2021, Nature Methods 18:203), penalizes a false
    positive pixel in a healthy image like any other pixel. Dice over each image penalizes false positives in a healthy
    image by the same amount whatever their size, so that they give no gradient, and a small tumor counts as much as a
    large one. What it lacks, the third term gives: in images with an empty mask, the cross-entropy of hard negatives,
    the hundredth of the pixels with the highest tumor probabilities (hard example mining; Shrivastava et al. 2016,
    CVPR). The mean over all pixels would be small where few of them are segmented.

    Args:
        dice: weight of the Dice loss.
        focal: weight of the focal loss.
        alpha: weight of tumor pixels in the focal loss; that of all others is 1 - alpha.
        gamma: focusing parameter of the focal loss.
        over: Dice of each image, or of a batch.
        hard_negatives: weight of the hard negatives.
    """

    def __init__(
        self,
        dice: float = 0.5,
        focal: float = 0.5,
        alpha: float = 0.25,
        gamma: float = 2.0,
        over: DiceOver = "image",
        hard_negatives: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = dice, focal, hard_negatives
        self.dice = DiceLoss(sigmoid=True, batch=over == "batch")
        self.focal = FocalLoss(alpha=alpha, gamma=gamma)

    def forward(self, logits: Tensor, masks: Tensor) -> Tensor:
        """(N, 1, H, W) logits, resized to the masks if they are smaller; (N, 1, S, S) masks of 0 and 1 -> a scalar."""
        logits, masks = logits.float(), masks.float()
        if logits.shape[-2:] != masks.shape[-2:]:
            logits = F.interpolate(logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)
        dice, focal, hard_negatives = self.weights
        loss: Tensor = dice * self.dice(logits, masks) + focal * self.focal(logits, masks)
        return loss + hard_negatives * _hard_negatives(logits, masks) if hard_negatives else loss


def _hard_negatives(logits: Tensor, masks: Tensor) -> Tensor:
    """Sum over the images with an empty mask of the loss of their highest logits, over all images of the batch."""
    without_tumor = ~masks.flatten(1).bool().any(1)
    pixels = logits.flatten(1)
    highest = pixels.topk(max(1, pixels.shape[1] // _HIGHEST), dim=1).values
    return (F.softplus(highest).mean(1) * without_tumor).mean()


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    """Dice of each predicted mask with its reference mask; a probability above one half is tumor.

    Args:
        logits: (N, 1, S, S).
        masks: (N, 1, S, S), 1 = tumor; none is empty.

    Returns:
        (N,) float32, 0 to 1.
    """
    predicted, reference = logits.flatten(1) > 0, masks.flatten(1).bool()
    return 2 * (predicted & reference).sum(1) / (predicted.sum(1) + reference.sum(1))


class MultiTaskLoss(nn.Module):
    """Weighted sum of cross-entropy, segmentation loss and the loss of auxiliary heads; defaults of published method 2.

    Args:
        classification: weight of the cross-entropy.
        segmentation: weight of the segmentation loss.
        auxiliary: weight of the mean loss of the auxiliary heads.
        segmentation_loss: of each mask; None for that of published method 2.
        class_weights: (K,), or None for equal ones.
        label_smoothing: of the cross-entropy, 0 to 1.
    """

    def __init__(
        self,
        *,
        classification: float = 0.4,
        segmentation: float = 0.6,
        auxiliary: float = 0.4,
        segmentation_loss: SegmentationLoss | None = None,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = classification, segmentation, auxiliary
        self.cross_entropy = nn.CrossEntropyLoss(class_weights, label_smoothing=label_smoothing)
        self.segmentation_loss = segmentation_loss or SegmentationLoss()

    def forward(self, output: ModelOutput, labels: Tensor, masks: Tensor, has_mask: Tensor) -> LossTerms:
        """The loss of one batch, in float32.

        Args:
            output: of a network that segments.
            labels: (N,) class indices.
            masks: (N, 1, S, S), 1 = tumor; ignored where the mask is not known.
            has_mask: (N,) bool, whether the mask is known.
        """
        assert output.mask is not None  # as `ArchitectureInfo.segments` states
        classification = self.cross_entropy(output.logits.float(), labels)
        segmentation = self._segmentation_loss(output.mask, masks, has_mask)
        heads = [self._segmentation_loss(logits, masks, has_mask) for logits in output.auxiliary]
        auxiliary = torch.stack(heads).mean() if heads else torch.zeros_like(classification)
        weights = self.weights
        total = weights[0] * classification + weights[1] * segmentation + weights[2] * auxiliary
        return LossTerms(total, classification, segmentation, auxiliary)

    def _segmentation_loss(self, logits: Tensor, masks: Tensor, has_mask: Tensor) -> Tensor:
        if not has_mask.any():
            return logits.float().sum() * 0  # zero, but with a gradient for every weight, as DDP expects
        loss: Tensor = self.segmentation_loss(logits[has_mask], masks[has_mask])
        return loss
