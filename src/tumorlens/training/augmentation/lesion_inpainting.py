"""A picture and its tumour -> the same head without it, from tissue elsewhere in it: healthy pictures of the same look.

Pictures of healthy heads come from other scanners, in other sequences, than those of tumours, and a network can tell
the classes apart by that. Where the tumour of some training pictures is taken out and they count as healthy, nothing
but the tumour tells those apart from the rest: counterfactual augmentation (Kaushik, Hovy and Lipton, ICLR 2020). As
many others are filled somewhere beside their tumour and keep their label, so that a filling says nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision import tv_tensors

from tumorlens.training.augmentation.tissue import INSIDE, fill, grown, margins, shifts, tissue_of


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


def _elsewhere(image: Tensor, tumour: Tensor) -> Tensor | None:
    """The tumour's outline somewhere else in the head, beside the tumour; None where it fits nowhere."""
    beyond, seam, _ = margins(tumour)
    outline, tissue, spared = torch.where(tumour), tissue_of(image), grown(tumour, 2 * beyond + 4 * seam)
    for move in shifts(outline):
        rows, columns, inside = move.points(outline, tumour.shape)
        free = inside.all() and not spared[rows, columns].any()
        if free and tissue[rows, columns].float().mean() >= INSIDE:
            place = torch.zeros_like(tumour)
            place[rows, columns] = True
            return place
    return None
