"""An image of a healthy head and the tumor of another image -> the head with that tumor (lesion copy-paste).

Healthy images come from other scanners than tumor images, and a network may classify every image of those scanners as
healthy. Lesion inpainting changes only tumor images. Here some healthy images get the tumor of another image, with its
mask and class, which removes this shortcut (TumorCP, Yang et al. 2021, MICCAI). As many other healthy images are
inpainted where the tumor would have been pasted and stay healthy, so that a seam alone is no evidence of a tumor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision import tv_tensors

from tumorlens.scan import GrayImage, Mask
from tumorlens.training.augmentation.tissue import MIN_TISSUE, PasteRegion, inpaint, tissue_of

_MIN_CORRELATION = 0.8  # of thumbnails; above it, two heads mostly have the same plane and nearly the same height
_TRIES = 4  # tumor images that are tried for a head
_SHIFT = 0.04  # of the side: largest shift of the pasted tumor
_CONTRAST = (0.6, 1.4)  # random factor of the contrast between tumor and surroundings
_THUMBNAIL = 16  # pixels per side


@dataclass(frozen=True, eq=False)
class LesionSources:
    """Training images whose tumor can be pasted.

    Attributes:
        rows: their positions among all images.
        labels: class of each.
        thumbnails: (len(rows), P), normalized.
    """

    rows: Sequence[int]
    labels: Sequence[int]
    thumbnails: Tensor = field(repr=False)

    @classmethod
    def of(cls, images: GrayImage, labels: Sequence[int], rows: Sequence[int]) -> LesionSources:
        """Some rows of (N, S, S) uint8 images with N classes."""
        thumbnails = [_thumbnail(_image(images, row)) for row in rows]
        return cls(
            rows,
            [labels[row] for row in rows],
            torch.stack(thumbnails) if thumbnails else torch.zeros(0, _THUMBNAIL**2),
        )

    def similar(self, head: Tensor) -> list[tuple[int, int]]:
        """Row and class of some random images that are similar to a head, (S, S) uint8: same plane, similar height.

        The frequency of a class is that among the similar images. With equal frequencies, pituitary tumors would be
        pasted into slices far from the pituitary.
        """
        similar = torch.where(self.thumbnails @ _thumbnail(head) >= _MIN_CORRELATION)[0]
        sampled = similar[torch.randperm(len(similar))[:_TRIES]].tolist()
        return [(self.rows[i], self.labels[i]) for i in sampled]


@dataclass(frozen=True, eq=False)
class LesionCopyPaste:
    """Pastes tumors into healthy heads at random.

    Attributes:
        share: of the healthy images that get a tumor; as many others are inpainted and stay healthy.
        images: (N, S, S) uint8, all images.
        masks: (N, S, S) uint8, all masks.
        sources: the training images whose tumor can be pasted.
    """

    share: float
    images: GrayImage = field(repr=False)
    masks: Mask = field(repr=False)
    sources: LesionSources = field(repr=False)

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image of a healthy head, its tv_tensor mask and class -> the same, perhaps augmented.

        Uses torch's generator. A head in which no tumor fits is returned unchanged.
        """
        chance = float(torch.rand(()))
        if chance >= 2 * self.share:
            return image, mask, label
        head = image[0]
        tissue = tissue_of(head)
        for row, tumor_class in self.sources.similar(head):
            source, tumor = self._shifted_source(row)
            if not tumor.any() or tissue[tumor].float().mean() < MIN_TISSUE:
                continue
            if chance >= self.share:
                inpainted = inpaint(head, tumor, torch.zeros_like(tumor))
                return image if inpainted is None else inpainted[None], mask, label
            pasted = _paste(head, tissue, source, PasteRegion.of(tumor))
            return pasted[None], tv_tensors.wrap(tumor[None].to(mask.dtype), like=mask), tumor_class
        return image, mask, label

    def _shifted_source(self, row: int) -> tuple[Tensor, Tensor]:
        """An image with a tumor and its mask, (S, S) uint8 and bool, shifted a little."""
        image, tumor = _image(self.images, row), _image(self.masks, row) > 0
        limit = round(_SHIFT * image.shape[-1])
        by = [int(step) for step in torch.randint(-limit, limit + 1, (2,))]
        return _shifted(image, by), _shifted(tumor, by)


def _paste(head: Tensor, tissue: Tensor, source: Tensor, region: PasteRegion) -> Tensor:
    """The head with the gray values of the source in a region, at nearly the same contrast to the surroundings."""
    source_tissue, values = tissue_of(source), source[region.outer].float()
    low, high = _CONTRAST
    contrast = low + (high - low) * float(torch.rand(()))
    contrast *= float(_level(head, tissue) / _level(source, source_tissue))
    difference = values - _level(source, region.around & source_tissue)
    return region.blend(head, _level(head, region.around & tissue) + contrast * difference)


def _level(image: Tensor, where: Tensor) -> Tensor:
    """Mean gray value of these pixels; of the whole image where there are none."""
    values = image[where] if where.any() else image
    return values.float().mean().clamp(min=1)


def _shifted(image: Tensor, by: list[int]) -> Tensor:
    """(S, S), shifted down and across; 0 comes in at the edge."""
    down, across = by
    rows, columns = image.shape
    padding = [max(across, 0), max(-across, 0), max(down, 0), max(-down, 0)]
    top, left = max(-down, 0), max(-across, 0)
    return F.pad(image, padding)[top : top + rows, left : left + columns]


def _image(images: GrayImage, row: int) -> Tensor:
    return torch.from_numpy(np.array(images[row]))


def _thumbnail(image: Tensor) -> Tensor:
    """(S, S) -> (P,) thumbnail with mean 0 and length 1, so that dot products are correlations."""
    small = F.adaptive_avg_pool2d(image[None].float(), _THUMBNAIL).flatten()
    centered = small - small.mean()
    normalized: Tensor = centered / centered.norm().clamp(min=1e-6)
    return normalized
