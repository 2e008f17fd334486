"""Recipe + training subset -> lesion augmentation: inpainting in tumor images, copy-paste in healthy images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.scan import GrayImage
from tumorlens.training.augmentation.lesion_copy_paste import LesionCopyPaste, LesionSources
from tumorlens.training.augmentation.lesion_inpainting import LesionInpainting
from tumorlens.training.image_cache import Masks
from tumorlens.training.recipe import Augment


@dataclass(frozen=True)
class LesionAugmentation:
    """Inpaints tumors in images of tumor classes, and pastes tumors into images of the healthy class.

    Attributes:
        inpainting: for images of the tumor classes.
        copy_paste: for images of the healthy class.
        healthy: index of the healthy class.
    """

    inpainting: LesionInpainting
    copy_paste: LesionCopyPaste
    healthy: int

    @classmethod
    def of(
        cls, augment: Augment, table: Table, images: GrayImage, masks: Masks, rows: Sequence[int]
    ) -> LesionAugmentation:
        """The lesion augmentation of a recipe.

        Args:
            augment: settings of the recipe.
            table: with a healthy class (`check_fit` has checked it).
            images: (N, S, S), all images of the table.
            masks: all masks.
            rows: of the training subset, from which tumors are copied.
        """
        labels = table.labels
        healthy = next(i for i, name in enumerate(table.classes) if name in HEALTHY)
        with_tumor = [row for row in rows if labels[row] != healthy and masks.arrays[row].any()]
        sources = LesionSources.of(images, labels, with_tumor if augment.lesion_copy_paste else [])
        copy_paste = LesionCopyPaste(augment.lesion_copy_paste, images, masks.arrays, sources)
        return cls(LesionInpainting(augment.lesion_inpainting, healthy), copy_paste, healthy)

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image and tv_tensor mask, and the class -> the same, perhaps augmented."""
        transform = self.copy_paste if label == self.healthy else self.inpainting
        return transform(image, mask, label)
