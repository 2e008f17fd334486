"""Building blocks that more than one architecture uses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tumorlens.models.layers.attention import AttentionMap


class ConvBlock(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, padding: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=padding),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around a shortcut, leaky ReLU (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )
        self.activation = nn.LeakyReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        out: Tensor = self.activation(x + self.body(x))
        return out


class SqueezeExcitation(nn.Module):
    """Squeeze-and-excitation: channels weighted by their global averages (Hu, Shen and Sun 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1),
            nn.SiLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> x weighted by channel, the same shape."""
        out: Tensor = x * self.mlp(x.mean((2, 3), keepdim=True))
        return out


class ChannelAttention(nn.Module):
    """CBAM's channel attention: one MLP on the average- and the max-pooled vector (Woo et al. 2018)."""

    def __init__(self, channels: int, ratio: int = 8) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels // ratio),
            nn.ReLU(inplace=True),
            nn.Linear(channels // ratio, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> x weighted by channel, the same shape."""
        gate = torch.sigmoid(self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3))))
        out: Tensor = x * gate[:, :, None, None]
        return out


class SpatialAttention(nn.Module):
    """CBAM's spatial attention: 7x7 convolution over the channel mean and maximum (Woo et al. 2018)."""

    def __init__(self, kernel: int = 7) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2)
        self.map = AttentionMap()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> x weighted by position, the same shape."""
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        out: Tensor = x * self.map(torch.sigmoid(self.conv(summary)))
        return out
