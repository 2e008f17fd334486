"""Gray images of any size -> network input: the only preprocessing, a module, so that it can be exported.

Padding, cropping and antialiased bilinear resizing are one linear map per axis: two matrices, computed from the height
and width of the image, or from the head's box in each image. The result equals ``interpolate(..., antialias=True)`` on
the padded or cropped image, but traces to plain ONNX with dynamic sizes. ONNX's own Resize differs between runtimes
when it shrinks (measured: up to 17 gray levels).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from tumorlens.models.head_crop import head_boxes
from tumorlens.scan.input_geometry import InputGeometry

Length = int | Tensor
"""A length in pixels: one number, a symbol while an export traces, or one number per image as (N, 1, 1)."""


class Preprocessing(nn.Module):
    """(N, H, W) uint8 -> (N, C, size, size) float32, normalized."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, input_geometry: InputGeometry, channels: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__()
        self.input_geometry = input_geometry
        self.channels = channels
        # One gray channel is normalized with the mean of the constants of the colors.
        means, stds = (mean, std) if channels == 3 else ((sum(mean) / len(mean),), (sum(std) / len(std),))
        self.register_buffer("mean", torch.tensor(means).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(stds).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor, boxes: Tensor | None = None) -> Tensor:
        """Resample and normalize images of one size."""
        return self.normalize(self.resample(images, boxes))

    def boxes(self, images: Tensor) -> Tensor:
        """(N, H, W) uint8 -> (N, 4) int64: the region of each image that is used; top, left, height, width."""
        if self.input_geometry.crop == "head":
            return head_boxes(images)
        whole = (torch.full(images.shape[:1], edge, device=images.device) for edge in (0, 0, *images.shape[1:]))
        return torch.stack(tuple(whole), 1)

    def resample(self, images: Tensor, boxes: Tensor | None = None) -> Tensor:
        """(N, H, W) gray values 0 to 255 -> (N, 1, size, size) float32, still 0 to 255.

        Args:
            images: images of one size.
            boxes: as `boxes` returns them; None to find them here. Without a head crop they are not used.
        """
        if self.input_geometry.crop == "head":
            return self._resample_boxes(images, self.boxes(images) if boxes is None else boxes)
        height, width = images.shape[-2], images.shape[-1]
        size = self.input_geometry.size
        down = _sampling(height, *self._window(height, height, width), size, images.device)
        across = _sampling(width, *self._window(width, height, width), size, images.device)
        return (down @ images.float() @ across.T)[:, None]

    def resample_with_masks(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Images and their masks, resampled in the same way.

        Args:
            images: (N, H, W) gray values 0 to 255.
            masks: (N, H, W), 1 or True is tumor.

        Returns:
            (N, 1, size, size) float32 as `resample` returns it, and (N, 1, size, size) bool: True where at least
            half of the pixel is tumor.
        """
        boxes = self.boxes(images)
        return self.resample(images, boxes), self.resample(masks, boxes) >= 0.5

    def _resample_boxes(self, images: Tensor, boxes: Tensor) -> Tensor:
        """`resample` with a box, and so with two matrices, for each image; black outside the box."""
        height, width = images.shape[-2], images.shape[-1]
        longest = cast(int, torch.sym_max(height, width))
        top, left, rows, columns = boxes[..., None, None].unbind(1)
        matrices = []
        for extent, first, length in ((height, top, rows), (width, left, columns)):
            start, side = self._window(length, rows, columns)
            pixel = torch.arange(extent, device=images.device)
            shown = (pixel >= first) & (pixel < first + length)
            matrices.append(
                _sampling(extent, first + start, side, self.input_geometry.size, images.device, longest=longest) * shown
            )
        down, across = matrices
        return (down @ images.float() @ across.mT)[:, None]

    def _window(self, length: Length, height: Length, width: Length) -> tuple[Length, Length]:
        """First pixel and length of the section of one axis that fills the input, as in `InputGeometry.crop_window`."""
        if self.input_geometry.mode == "resize":
            return 0, length
        if self.input_geometry.mode == "letterbox":
            side = _larger(height, width)
            return -((side - length) // 2), side
        shorter = _smaller(height, width)
        resize = self.input_geometry.resize or self.input_geometry.size
        side = _larger((2 * shorter * self.input_geometry.size + resize) // (2 * resize), 1)
        return (length - side) // 2, side

    def normalize(self, resampled: Tensor) -> Tensor:
        """(N, 1, size, size), 0 to 255 -> (N, C, size, size), scaled to [0, 1], minus mean, divided by std."""
        scaled = resampled / 255.0
        return (scaled.expand(-1, self.channels, -1, -1) - self.mean) / self.std


def _sampling(
    length: int, first: Length, side: Length, size: int, device: torch.device, *, longest: int | None = None
) -> Tensor:
    """(size, length) weights that resample the window of `side` pixels from `first` on to `size` pixels.

    The triangle filter of PIL and of torch's antialias: half-pixel centers, stretched by the scale when shrinking,
    normalized over the window. Padding counts as black; pixels that are cropped away do not count. Where windows differ
    between images, weights are (N, size, length), and `longest` is the largest number of pixels in a window.
    """
    scale = side / size
    support = _larger(scale, 1.0)
    center = (torch.arange(size, dtype=torch.float32, device=device)[:, None] + 0.5) * scale

    def triangle(start: Length, count: int) -> Tensor:
        position = torch.arange(count, dtype=torch.float32, device=device) + 0.5 - start
        inside = (position > 0) & (position < side)
        return torch.relu(1 - (position - center).abs() / support) * inside

    whole = triangle(0, cast(int, side) if longest is None else longest)
    return triangle(first, length) / whole.sum(-1, keepdim=True)


def _larger(one: Any, other: Any) -> Any:
    return one.clamp(min=other) if isinstance(one, Tensor) else torch.sym_max(one, other)


def _smaller(one: Any, other: Any) -> Any:
    return one.clamp(max=other) if isinstance(one, Tensor) else torch.sym_min(one, other)
