"""An image of a healthy head and another's tumor -> that head with the tumor: tumors of a healthy look.

The other half of `removal`. Where only images with a tumor change, a network may still name every head of the
scanners that brought the healthy images healthy, whatever grows in it. Where some of these heads get a tumor of
another image, its outline and its class, that no longer pays: copy and paste of tumors (Yang et al. 2021, TumorCP,
MICCAI), here to take away a shortcut. As many others are filled where a tumor would have been put and stay healthy,
so that a seam says nothing by itself.
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
from tumorlens.training.augmentation.tissue import INSIDE, Place, fill, tissue_of

_ALIKE = 0.8  # correlation of thumbnails: above, two heads are mostly of the same plane, at about the same height
_TRIED = 4  # images with a tumor, of those like the head
_SHIFT = 0.04  # of the side: how far from its own place a tumor is put, at most
_STRENGTH = (0.6, 1.4)  # how much a tumor stands out from its surroundings, against how it did
_THUMBNAIL = 16  # pixels, by which heads are held against each other


@dataclass(frozen=True, eq=False)
class LesionDonors:
    """Training images whose tumor may be taken.

    Attributes:
        rows: where they are among all images.
        labels: class of each.
        thumbnails: (len(rows), P), what they look like from afar.
    """

    rows: Sequence[int]
    labels: Sequence[int]
    thumbnails: Tensor = field(repr=False)

    @classmethod
    def of(cls, images: GrayImage, labels: Sequence[int], rows: Sequence[int]) -> LesionDonors:
        """Of (N, S, S) uint8 images and their N classes those of some rows."""
        image_records = [_thumbnail(_image(images, row)) for row in rows]
        return cls(
            rows,
            [labels[row] for row in rows],
            torch.stack(image_records) if image_records else torch.zeros(0, _THUMBNAIL**2),
        )

    def like(self, head: Tensor) -> list[tuple[int, int]]:
        """Row and class of some by chance of those that are like a head, (S, S) uint8: of its plane, about its height.

        Each class comes as often as there are such images of it: were each as likely, pituitary tumors would be put
        into slices far from the pituitary.
        """
        alike = torch.where(self.thumbnails @ _thumbnail(head) >= _ALIKE)[0]
        chosen = alike[torch.randperm(len(alike))[:_TRIED]].tolist()
        return [(self.rows[i], self.labels[i]) for i in chosen]


@dataclass(frozen=True, eq=False)
class LesionCopyPaste:
    """Puts tumors into healthy heads, by chance.

    Attributes:
        share: of the healthy images that get a tumor; as many are filled and stay healthy.
        images: (N, S, S) uint8, all images.
        masks: (N, S, S) uint8, theirs.
        donors: the training images whose tumor may be taken.
    """

    share: float
    images: GrayImage = field(repr=False)
    masks: Mask = field(repr=False)
    donors: LesionDonors = field(repr=False)

    def __call__(self, image: Tensor, mask: Tensor, label: int) -> tuple[Tensor, Tensor, int]:
        """(1, S, S) uint8 image of a healthy head, its tv_tensor mask and class -> the same, or what came of them.

        Draws from torch's generator. A head in which no tumor fits stays as it is.
        """
        drawn = float(torch.rand(()))
        if drawn >= 2 * self.share:
            return image, mask, label
        head = image[0]
        tissue = tissue_of(head)
        for row, kind in self.donors.like(head):
            tumor, outline = self._moved(row)
            if not outline.any() or tissue[outline].float().mean() < INSIDE:
                continue
            if drawn >= self.share:
                filled = fill(head, outline, torch.zeros_like(outline))
                return image if filled is None else filled[None], mask, label
            return (
                _put(head, tissue, tumor, Place.of(outline))[None],
                tv_tensors.wrap(outline[None].to(mask.dtype), like=mask),
                kind,
            )
        return image, mask, label

    def _moved(self, row: int) -> tuple[Tensor, Tensor]:
        """An image with a tumor and its outline, (S, S) uint8 and bool, moved a little."""
        image, outline = _image(self.images, row), _image(self.masks, row) > 0
        reach = round(_SHIFT * image.shape[-1])
        by = [int(step) for step in torch.randint(-reach, reach + 1, (2,))]
        return _shifted(image, by), _shifted(outline, by)


def _put(head: Tensor, tissue: Tensor, donor: Tensor, place: Place) -> Tensor:
    """The head with what the donor shows in a place, as far above or below its surroundings as there, or nearly."""
    others, values = tissue_of(donor), donor[place.outer].float()
    low, high = _STRENGTH
    strength = low + (high - low) * float(torch.rand(()))
    strength *= float(_level(head, tissue) / _level(donor, others))
    apart = values - _level(donor, place.around & others)
    return place.put(head, _level(head, place.around & tissue) + strength * apart)


def _level(image: Tensor, where: Tensor) -> Tensor:
    """Mean gray value of places; of all the image where there are none."""
    values = image[where] if where.any() else image
    return values.float().mean().clamp(min=1)


def _shifted(image: Tensor, by: list[int]) -> Tensor:
    """(S, S), moved down and across; black, or nothing, comes in at the edge."""
    down, across = by
    rows, columns = image.shape
    around = [max(across, 0), max(-across, 0), max(down, 0), max(-down, 0)]
    top, left = max(-down, 0), max(-across, 0)
    return F.pad(image, around)[top : top + rows, left : left + columns]


def _image(images: GrayImage, row: int) -> Tensor:
    return torch.from_numpy(np.array(images[row]))


def _thumbnail(image: Tensor) -> Tensor:
    """(S, S) -> what it looks like from afar: (P,) of mean 0 and length 1, so that products are correlations."""
    small = F.adaptive_avg_pool2d(image[None].float(), _THUMBNAIL).flatten()
    apart = small - small.mean()
    alike: Tensor = apart / apart.norm().clamp(min=1e-6)
    return alike
