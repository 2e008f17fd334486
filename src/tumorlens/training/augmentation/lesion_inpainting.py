"""An image and its tumor -> the same head without the tumor, filled with its own tissue (lesion inpainting).

Healthy images come from other scanners and sequences than tumor images, and a network can classify by that shortcut.
Some training images have their tumor inpainted and count as healthy; they differ from the others in the tumor only
(counterfactual augmentation; Kaushik, Hovy and Lipton, ICLR 2020). As many other images are inpainted beside their
tumor and keep their label, so that inpainting alone is no evidence of a healthy image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision import tv_tensors

from tumorlens.training.augmentation.tissue import MIN_TISSUE, dilated, inpaint, random_offsets, tissue_of, widths


@dataclass(frozen=True)
class LesionInpainting:
    """Inpaints tumors at random.

    Attributes:
        share: of the images with a tumor mask whose tumor is inpainted; as many others are inpainted beside it.
        healthy: index of the healthy class.
    """

    share: float
    healthy: int

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image and tv_tensor mask, and the class -> the same, perhaps augmented.

        Uses torch's generator. An image without suitable tissue is returned unchanged.
        """
        chance = float(torch.rand(()))
        if chance >= 2 * self.share or not mask.any():
            return image, mask, label
        tumor = mask[0] > 0
        if chance < self.share:
            inpainted = inpaint(image[0], tumor, tumor)
            if inpainted is None:
                return image, mask, label
            return inpainted[None], tv_tensors.wrap(torch.zeros_like(mask), like=mask), self.healthy
        region = _beside_tumor(image[0], tumor)
        inpainted = None if region is None else inpaint(image[0], region, tumor)
        return image if inpainted is None else inpainted[None], mask, label


def _beside_tumor(image: Tensor, tumor: Tensor) -> Tensor | None:
    """A region of the shape of the tumor, in tissue beside the tumor; None where it fits nowhere."""
    border, seam, _ = widths(tumor)
    pixels, tissue, excluded = torch.where(tumor), tissue_of(image), dilated(tumor, 2 * border + 4 * seam)
    for offset in random_offsets(pixels):
        rows, columns, inside = offset.apply(pixels, tumor.shape)
        free = inside.all() and not excluded[rows, columns].any()
        if free and tissue[rows, columns].float().mean() >= MIN_TISSUE:
            region = torch.zeros_like(tumor)
            region[rows, columns] = True
            return region
    return None
