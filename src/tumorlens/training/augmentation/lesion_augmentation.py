"""Recipe + training part -> which images lose their tumor, and which get one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.scan import GrayImage
from tumorlens.training.augmentation.lesion_copy_paste import LesionCopyPaste, LesionDonors
from tumorlens.training.augmentation.lesion_inpainting import LesionInpainting
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Augment


@dataclass(frozen=True)
class LesionAugmentation:
    """Takes tumors out of images that show one, and puts tumors into those of the healthy class.

    Attributes:
        removal: for images of the other classes.
        transplant: for those of the healthy class.
        healthy: its index.
    """

    removal: LesionInpainting
    transplant: LesionCopyPaste
    healthy: int

    @classmethod
    def of(
        cls, augment: Augment, table: Table, images: GrayImage, masks: Masks, rows: Sequence[int]
    ) -> LesionAugmentation:
        """From a recipe that asks for either.

        Args:
            augment: what happens, and how often.
            table: with a class of healthy images, as `check_fit` has seen to.
            images: (N, S, S), all of its images.
            masks: theirs.
            rows: of the training part, from which tumors are taken.
        """
        labels = table.labels
        healthy = next(i for i, name in enumerate(table.classes) if name in HEALTHY)
        ill = (
            [row for row in rows if labels[row] != healthy and masks.arrays[row].any()]
            if augment.lesion_copy_paste
            else []
        )
        transplant = LesionCopyPaste(
            augment.lesion_copy_paste, images, masks.arrays, LesionDonors.of(images, labels, ill)
        )
        return cls(LesionInpainting(augment.lesion_inpainting, healthy), transplant, healthy)

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image and tv_tensor mask, and the class -> the same, or what came of them."""
        change = self.transplant if label == self.healthy else self.removal
        return change(image, mask, label)
