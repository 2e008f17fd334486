"""An image and its tumor -> the same head without it, from tissue elsewhere in it: healthy images of the same look.

Images of healthy heads come from other scanners, in other sequences, than those of tumors, and a network can tell
the classes apart by that. Where the tumor of some training images is taken out and they count as healthy, nothing
but the tumor tells those apart from the rest: counterfactual augmentation (Kaushik, Hovy and Lipton, ICLR 2020). As
many others are filled somewhere beside their tumor and keep their label, so that a filling says nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision import tv_tensors

from tumorlens.training.augmentation.tissue import INSIDE, fill, grown, margins, shifts, tissue_of


@dataclass(frozen=True)
class LesionInpainting:
    """Takes tumors out of images, by chance.

    Attributes:
        share: of the images with an outlined tumor that lose it; as many are filled elsewhere.
        healthy: the class of an image without one.
    """

    share: float
    healthy: int

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image and tv_tensor mask, and the class -> the same, or what came of them.

        Draws from torch's generator. An image in which no tissue is found to fill with stays as it is.
        """
        drawn = float(torch.rand(()))
        if drawn >= 2 * self.share or not mask.any():
            return image, mask, label
        tumor = mask[0] > 0
        if drawn < self.share:
            filled = fill(image[0], tumor, tumor)
            if filled is None:
                return image, mask, label
            return filled[None], tv_tensors.wrap(torch.zeros_like(mask), like=mask), self.healthy
        place = _elsewhere(image[0], tumor)
        filled = None if place is None else fill(image[0], place, tumor)
        return image if filled is None else filled[None], mask, label


def _elsewhere(image: Tensor, tumor: Tensor) -> Tensor | None:
    """The tumor's outline somewhere else in the head, beside the tumor; None where it fits nowhere."""
    beyond, seam, _ = margins(tumor)
    outline, tissue, spared = torch.where(tumor), tissue_of(image), grown(tumor, 2 * beyond + 4 * seam)
    for move in shifts(outline):
        rows, columns, inside = move.points(outline, tumor.shape)
        free = inside.all() and not spared[rows, columns].any()
        if free and tissue[rows, columns].float().mean() >= INSIDE:
            place = torch.zeros_like(tumor)
            place[rows, columns] = True
            return place
    return None
