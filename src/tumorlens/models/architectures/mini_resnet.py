"""MiniResNet: a small residual network for the demo and for tests, trained from scratch in seconds."""

from __future__ import annotations

from torch import Tensor, nn

from tumorlens._network_table import ArchitectureInfo
from tumorlens.models.layers.conv_blocks import ConvBlock, ResidualBlock
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import HALF, register

WIDTHS = (16, 32, 64, 96)


class MiniResNet(Network):
    """Four stages of a strided convolution and a residual block, global average pooling, linear layer."""

    def __init__(self, classes: int, channels: int, dropout: float) -> None:
        super().__init__()
        pairs = zip((channels, *WIDTHS[:-1]), WIDTHS, strict=True)
        self.stages = nn.Sequential(*(nn.Sequential(ConvBlock(a, b, stride=2), ResidualBlock(b)) for a, b in pairs))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K) and the last stage's maps (N, 96, H/16, W/16)."""
        features = self.stages(x)
        return ModelOutput(self.head(self.dropout(features.mean((2, 3)))), features)

    def classifier_weights(self) -> Tensor:
        """(K, 96): the network ends with pooling and one linear layer."""
        return self.head.weight


@register(
    ArchitectureInfo(
        name="mini_resnet",
        summary="residual network with 0.34 M parameters: for the demo, for tests and for very small devices",
        input_size=128,
        mean=HALF,
        std=HALF,
        license="Apache-2.0",
        citation="He, Zhang, Ren and Sun 2016, Deep Residual Learning, CVPR (arXiv:1512.03385)",
    )
)
def mini_resnet(classes: int, channels: int, dropout: float | None) -> Network:
    """Dropout 0.1 by default."""
    return MiniResNet(classes, channels, 0.1 if dropout is None else dropout)
