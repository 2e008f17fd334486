"""Grey pictures of any size -> network input: the one preprocessing, as a module, so that it is exported too.

Padding, cropping and antialiased bilinear resizing are one linear map per axis: two matrices, made from
the picture's height and width. The result equals ``interpolate(..., antialias=True)`` on the padded or
cropped picture, but traces to plain ONNX with dynamic sizes; ONNX's own Resize does not agree between
runtimes when it shrinks (measured: up to 17 grey levels).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from tumorlens.scan.canvas import Canvas


class Prepare(nn.Module):
    """(N, H, W) uint8 -> (N, C, size, size) float32, normalised."""

    mean: Tensor
    std: Tensor

    def __init__(self, canvas: Canvas, channels: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.canvas = canvas
        self.channels = channels
        # One grey channel is normalised by the average of the colours' constants.
        means, stds = (mean, std) if channels == 3 else ((sum(mean) / len(mean),), (sum(std) / len(std),))
        self.register_buffer("mean", torch.tensor(means).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(stds).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Place and normalise pictures of one size."""
        return self.normalise(self.place(images))

    def place(self, images: Tensor) -> Tensor:
        """(N, H, W) grey values 0 to 255 -> (N, 1, size, size) float32, still 0 to 255."""
        height, width = images.shape[-2], images.shape[-1]
        size = self.canvas.size
        down = _sampling(height, *self._window(height, height, width), size, images.device)
        across = _sampling(width, *self._window(width, height, width), size, images.device)
        return (down @ images.float() @ across.T)[:, None]

    def _window(self, length: int, height: int, width: int) -> tuple[int, int]:
        """First pixel and length of the part of one axis that fills the canvas, as `Canvas.place` has it.

        Lengths are symbols while an export traces, hence sym_max and sym_min.
        """
        if self.canvas.fit == "stretch":
            return 0, length
        if self.canvas.fit == "pad":
            side = cast(int, torch.sym_max(height, width))
            return -((side - length) // 2), side
        shorter = cast(int, torch.sym_min(height, width))
        resize = self.canvas.resize or self.canvas.size
        side = cast(int, torch.sym_max(1, (2 * shorter * self.canvas.size + resize) // (2 * resize)))
        return (length - side) // 2, side

    def normalise(self, placed: Tensor) -> Tensor:
        """(N, 1, size, size), 0 to 255 -> (N, C, size, size), scaled to [0, 1], minus mean, over std."""
        scaled = placed / 255.0
        return (scaled.expand(-1, self.channels, -1, -1) - self.mean) / self.std


def _sampling(length: int, first: int, side: int, size: int, device: torch.device) -> Tensor:
    """(size, length) weights that take the window of `side` pixels from `first` on to `size` pixels.

    The triangle filter of PIL and of torch's antialias: half-pixel centres, stretched by the scale when
    shrinking, normalised over the window. Padding counts as black; what is cropped away does not count.
    """
    scale = side / size
    support = cast(float, torch.sym_max(scale, 1.0))
    centre = (torch.arange(size, dtype=torch.float32, device=device) + 0.5) * scale

    def triangle(start: int, count: int) -> Tensor:
        position = torch.arange(count, dtype=torch.float32, device=device) + 0.5 - start
        inside = (position > 0) & (position < side)
        return torch.relu(1 - (position[None] - centre[:, None]).abs() / support) * inside

    return triangle(first, length) / triangle(0, side).sum(1, keepdim=True)
