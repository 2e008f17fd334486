"""An image of a head -> the head without its outer layer, as after skull stripping, enlarged to the whole image.

Brain extraction needs a volume. Here a layer of random thickness is removed from the surface of the head, which takes
scalp and skull along, and often some brain, as real tools do. A tumor is never removed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from tumorlens.models.head_crop import fill_outline
from tumorlens.training.augmentation.tissue import dilated, tissue_of

_DEPTH = (0.1, 0.24)  # of the radius of a disk as large as the head
_AROUND_TUMOR = 2  # pixels that are kept around a tumor
_SMALLEST = 0.05  # of the image: where less would be left, nothing is removed
_FRAME = 0.02  # of the side: background around what is left


@dataclass(frozen=True)
class SkullStripping:
    """Strips the skull of some heads.

    Attributes:
        share: of the images that are stripped.
    """

    share: float

    def __call__(self, image: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(1, S, S) uint8 image, and its tv_tensor mask or None -> the same, perhaps stripped; uses torch's generator.

        Args:
            image: of a head on a dark background.
            mask: of the tumor, which is kept; None where it is not known.
        """
        if float(torch.rand(())) >= self.share:
            return image, mask
        low, high = _DEPTH
        head = fill_outline(tissue_of(image[0])[None].float())[0] > 0
        radius = float(head.sum() / torch.pi) ** 0.5
        depth = max(1, round((low + (high - low) * float(torch.rand(()))) * radius))
        kept = head & ~_near_edge(head, depth)
        if mask is not None and mask.any():
            kept |= dilated(mask[0] > 0, _AROUND_TUMOR)
        if kept.float().mean() < _SMALLEST:
            return image, mask
        window = _window(kept)
        size = list(image.shape[-2:])
        background = image[0][~head].float().mean().round().to(torch.uint8) if (~head).any() else torch.tensor(0)
        stripped = torch.where(kept, image[0], background.to(torch.uint8))[None]
        image = F.resized_crop(stripped, *window, size, antialias=True)
        if mask is None:
            return image, None
        inside = F.resized_crop(mask, *window, size, interpolation=F.InterpolationMode.NEAREST)
        return image, tv_tensors.wrap(inside, like=mask)


def _near_edge(head: Tensor, depth: int) -> Tensor:
    """(S, S) bool: at most so many pixels from the background, which also lies beyond the edge of the image."""
    background = pad(~head, (depth,) * 4, value=True)
    return dilated(background, depth)[depth:-depth, depth:-depth]


def _window(kept: Tensor) -> tuple[int, int, int, int]:
    """Top, left, height and width of a square around these pixels, inside of the image."""
    side = kept.shape[0]
    rows, columns = (torch.where(kept.any(axis))[0] for axis in (1, 0))
    extent = max(int(along[-1] - along[0]) + 1 for along in (rows, columns))
    extent = min(side, extent + 2 * round(_FRAME * side))
    top, left = (
        min(max(0, (int(along[0]) + int(along[-1]) + 1 - extent) // 2), side - extent) for along in (rows, columns)
    )
    return top, left, extent, extent
