"""BrainMRNet (published method 4): attention, residual blocks and a hypercolumn, after Togacar et al. 2020."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens._network_table import ArchitectureInfo
from tumorlens.models.layers.attention import AttentionMap
from tumorlens.models.layers.conv_blocks import ChannelAttention, ConvBlock, ResidualBlock, SpatialAttention
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, register

HYPERCOLUMN = 4  # side of the grid to which the maps of all stages are resized: 4x4 = 16 values


class BrainMRNet(Network):
    """Three stages, a hypercolumn over all of them, three dense layers: 550,016 parameters with two classes."""

    def __init__(self, classes: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(ConvBlock(channels, 32, padding=0), ConvBlock(32, 32, padding=0), nn.MaxPool2d(2))
        self.stage2 = _attention_stage(32, 64)
        self.stage3 = _attention_stage(64, 128)
        self.hypercolumn = AttentionMap()
        self.dense = nn.Sequential(
            nn.Linear(HYPERCOLUMN**2, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(256, classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W), H and W at least 24 -> logits (N, K) and the third stage's maps (N, 128, H/8, W/8)."""
        one = self.stage1(x)
        two = self.stage2(one)
        three = self.stage3(two)
        column = self.hypercolumn(_hypercolumn([one, two, three]))
        return ModelOutput(self.head(self.dense(column.flatten(1))), three)


def _attention_stage(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        ConvBlock(inputs, outputs, padding=0),
        ChannelAttention(outputs),
        SpatialAttention(),
        ResidualBlock(outputs),
        nn.MaxPool2d(2),
    )


def _hypercolumn(stages: list[Tensor]) -> Tensor:
    """(N, C_i, h_i, w_i) of every stage -> (N, 1, 4, 4): each resized, stacked, averaged over channels."""
    size = (HYPERCOLUMN, HYPERCOLUMN)
    resized = [F.interpolate(s, size=size, mode="bilinear", align_corners=False) for s in stages]
    return torch.cat(resized, dim=1).mean(1, keepdim=True)


@register(
    ArchitectureInfo(
        name="brainmrnet",
        summary="BrainMRNet: CBAM attention, residual blocks, hypercolumn",
        input_size=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        license="Apache-2.0 (written from the paper)",
        citation="Togacar, Ergen and Comert 2020, BrainMRNet, Medical Hypotheses 134:109531",
        published_method=4,
    )
)
def brainmrnet(classes: int, channels: int, dropout: float | None) -> Network:
    """BrainMRNet; dropout 0.3 by default."""
    return BrainMRNet(classes, channels, 0.3 if dropout is None else dropout)
