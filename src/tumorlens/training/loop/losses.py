"""Output + truth -> what a network that names and draws a tumor is trained to lower."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import FocalLoss
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens.models import ModelOutput


class Parts(NamedTuple):
    """A loss and what it is made of, each before its weight.

    Attributes:
        total: the weighted sum, to be lowered.
        classification: cross-entropy over the batch.
        mask: Dice and focal loss of the mask, averaged over the images that have one; 0 where none has.
        auxiliary: the same of the auxiliary heads, averaged over them; 0 where there are none.
    """

    total: Tensor
    classification: Tensor
    mask: Tensor
    auxiliary: Tensor


Over = Literal["image", "batch"]
"""What a Dice loss is taken over: each image by itself, or all pixels of a batch together."""


class MaskLoss(nn.Module):
    """Dice loss for how much of the tumor is covered, focal loss for each pixel (Lin et al. 2017).

    Over a batch, as nnU-Net takes it of slices (Isensee et al. 2021, Nature Methods 18:203), what is drawn in an image
    without a tumor costs as much as anywhere else. Over each image such a drawing costs the same however large it
    is, so that nothing is learned from it, and a small tumor counts as much as a large one.
    """

    def __init__(
        self, dice: float = 0.5, focal: float = 0.5, alpha: float = 0.25, gamma: float = 2.0, over: Over = "image"
    ) -> None:
        super().__init__()
        self.weights = dice, focal
        self.dice = DiceLoss(sigmoid=True, batch=over == "batch")
        self.focal = FocalLoss(alpha=alpha, gamma=gamma)

    def forward(self, logits: Tensor, masks: Tensor) -> Tensor:
        """(N, 1, H, W) logits, resized to the masks if they are smaller; (N, 1, S, S) masks of 0 and 1 -> a scalar."""
        logits, masks = logits.float(), masks.float()
        if logits.shape[-2:] != masks.shape[-2:]:
            logits = F.interpolate(logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)
        dice, focal = self.weights
        loss: Tensor = dice * self.dice(logits, masks) + focal * self.focal(logits, masks)
        return loss


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    """How well each drawn tumor covers the true one, where a probability above one half is tumor.

    Args:
        logits: (N, 1, S, S).
        masks: (N, 1, S, S), 1 where the tumor is; each shows one.

    Returns:
        (N,) float32, 0 to 1.
    """
    drawn, true = logits.flatten(1) > 0, masks.flatten(1).bool()
    return 2 * (drawn & true).sum(1) / (drawn.sum(1) + true.sum(1))


class MultiTaskLoss(nn.Module):
    """Cross-entropy, the mask's loss and that of the auxiliary heads, weighted; the defaults are system 2's.

    Args:
        classification: weight of the cross-entropy.
        mask: weight of the mask's loss.
        auxiliary: weight of the mean of the auxiliary heads' losses.
        dice: share of Dice in the loss of a mask.
        over: what that Dice is taken over.
        focal: share of the focal loss.
        alpha: weight of tumor pixels in the focal loss; of all others, 1 - alpha.
        gamma: how much pixels that are already right count less.
        class_weights: (K,), or None for equal ones.
        label_smoothing: of the cross-entropy, 0 to 1.
    """

    def __init__(
        self,
        *,
        classification: float = 0.4,
        mask: float = 0.6,
        auxiliary: float = 0.4,
        dice: float = 0.5,
        over: Over = "image",
        focal: float = 0.5,
        alpha: float = 0.25,
        gamma: float = 2.0,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.weights = classification, mask, auxiliary
        self.cross_entropy = nn.CrossEntropyLoss(class_weights, label_smoothing=label_smoothing)
        self.mask_loss = MaskLoss(dice, focal, alpha, gamma, over)

    def forward(self, output: ModelOutput, labels: Tensor, masks: Tensor, has_mask: Tensor) -> Parts:
        """The loss of one batch, in float32.

        Args:
            output: of a network that segments.
            labels: (N,) class numbers.
            masks: (N, 1, S, S), 1 where the tumor is; ignored where there is no mask.
            has_mask: (N,) booleans.
        """
        assert output.mask is not None  # what `ArchitectureInfo.segments` promises
        classification = self.cross_entropy(output.logits.float(), labels)
        mask = self._drawn(output.mask, masks, has_mask)
        heads = [self._drawn(logits, masks, has_mask) for logits in output.auxiliary]
        auxiliary = torch.stack(heads).mean() if heads else torch.zeros_like(classification)
        weights = self.weights
        total = weights[0] * classification + weights[1] * mask + weights[2] * auxiliary
        return Parts(total, classification, mask, auxiliary)

    def _drawn(self, logits: Tensor, masks: Tensor, has_mask: Tensor) -> Tensor:
        if not has_mask.any():
            return logits.float().sum() * 0  # a zero that every weight still has a gradient of, as DDP expects
        loss: Tensor = self.mask_loss(logits[has_mask], masks[has_mask])
        return loss
