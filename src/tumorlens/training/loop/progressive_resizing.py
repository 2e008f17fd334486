"""Batch + epoch -> batch at the image size of that epoch: small images first, full size later.

A step on images of half the side costs a quarter, so that more epochs fit into the same time (progressive learning, Tan
and Le 2021, EfficientNetV2, section 4). The last epochs, validation and the finished network use the full size.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from tumorlens.training.data_loading import Batch
from tumorlens.training.recipe import ProgressiveResizing

_STEP = 32  # pixels between two sizes: the stride of most networks


def image_size(settings: ProgressiveResizing, full: int, epoch: int, epochs: int) -> int:
    """Side of the training images in an epoch, pixels: from the first size to the full one in equal steps.

    Args:
        settings: of the recipe.
        full: side of the network's input.
        epoch: from 0.
        epochs: of the whole run.
    """
    last = settings.until * epochs
    if settings.size is None or settings.size >= full or epoch >= last:
        return full
    added = (full - settings.size) * epoch / last
    return settings.size + int(added / _STEP) * _STEP


def downsampled(batch: Batch, size: int) -> Batch:
    """A batch with its images and masks downsampled; unchanged where they have that size.

    Args:
        batch: images and masks (N, 1, S, S).
        size: the new side; a pixel of a mask is tumor where at least half of it was.

    Returns:
        images (N, 1, size, size) float32, masks (N, 1, size, size) uint8.
    """
    if batch.images.shape[-1] <= size:
        return batch
    masks = None if batch.masks is None else (_resized(batch.masks, size) >= 0.5).to(batch.masks.dtype)
    return batch._replace(images=_resized(batch.images, size), masks=masks)


def _resized(images: Tensor, size: int) -> Tensor:
    return F.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
