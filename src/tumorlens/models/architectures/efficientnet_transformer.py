"""EfficientNet with a transformer head (published method 5), with or without CBAM between the two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.architectures.efficientnet import BACKBONES
from tumorlens.models.layers.attention import AttentionMap
from tumorlens.models.layers.conv_blocks import ChannelAttention, SpatialAttention
from tumorlens.models.layers.pooled_backbone import backbone
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import architecture_info, register

WIDTH = 256  # channels of a token
HEADS, KEY, FORWARD = 2, 16, 64  # the authors' encoder; unusually narrow
POSITIONS = 1000


class EfficientNetTransformer(Network):
    """Backbone, optional CBAM, 1x1 convolution, one encoder layer over all positions, mean, dropout, linear layer."""

    def __init__(self, maps: Any, classes: int, dropout: float, *, cbam: bool) -> None:
        super().__init__()
        features: int = maps.num_features
        self.backbone = maps
        self.cbam = nn.Sequential(ChannelAttention(features), SpatialAttention()) if cbam else nn.Identity()
        self.project = nn.Conv2d(features, WIDTH, 1)
        self.positions = nn.Parameter(torch.empty(POSITIONS, WIDTH))
        nn.init.trunc_normal_(self.positions, std=0.02)  # as in ViT (Dosovitskiy et al. 2021)
        self.encoder = TransformerLayer()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W), H and W up to 992 -> logits (N, K) and the backbone's last maps (N, F, H/32, W/32).

        Raises:
            ModelError: more tokens than learned positions. Positions are numbered row by row, so those of a larger grid
                cannot be interpolated: consecutive numbers are not always neighbors in the map.
        """
        features = self.backbone(x)
        height, width = features.shape[2], features.shape[3]
        if height * width > POSITIONS:
            raise ModelError(
                found=f"input of {x.shape[2]} x {x.shape[3]} pixels makes {height * width} tokens",
                expected=f"at most {POSITIONS}",
                advice="choose an input.size of at most 992",
            )
        tokens = self.project(self.cbam(features)).flatten(2).transpose(1, 2) + self.positions[: height * width]
        return ModelOutput(self.head(self.dropout(self.encoder(tokens, height, width).mean(1))), features)


class TransformerLayer(nn.Module):
    """One layer of the transformer's encoder, with norm after each sum as in Vaswani et al. 2017."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = MultiHeadSelfAttention()
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.feed = nn.Sequential(nn.Linear(WIDTH, FORWARD), nn.ReLU(inplace=True), nn.Linear(FORWARD, WIDTH))
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(N, height * width, 256) -> the same shape."""
        tokens = self.norm1(tokens + self.attention(tokens, height, width))
        out: Tensor = self.norm2(tokens + self.feed(tokens))
        return out


class MultiHeadSelfAttention(nn.Module):
    """Self-attention with two heads and keys of 16 values: 32 values inside, independent of the width outside."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, HEADS * KEY) for _ in range(3))
        self.out = nn.Linear(HEADS * KEY, WIDTH)
        self.map = AttentionMap()

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """(N, height * width, 256) -> the same shape; the attention on each position passes through `map`."""
        query, key, value = (
            layer(tokens).unflatten(2, (HEADS, KEY)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        weights = torch.softmax(query @ key.transpose(2, 3) / KEY**0.5, dim=3)  # (N, heads, from, to)
        self.map(weights.mean((1, 2)).view(-1, 1, height, width))
        out: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return out


def _register(name: str, timm_name: str) -> None:
    base = architecture_info(name)

    @register(
        replace(
            base,
            name=f"{name}_transformer",
            summary=f"{base.short_name} with one transformer layer before the classifier",
            input_size=240,
            citation=f"{base.citation}; Vaswani et al. 2017, Attention Is All You Need (arXiv:1706.03762); "
            "Woo et al. 2018, CBAM (arXiv:1807.06521)",
            published_method=5,
            options={"cbam": False},
        )
    )
    def build(classes: int, channels: int, dropout: float | None, *, cbam: bool) -> Network:
        return EfficientNetTransformer(
            backbone(timm_name, channels), classes, 0.4 if dropout is None else dropout, cbam=cbam
        )


for _name, _timm_name in BACKBONES.items():
    _register(_name, _timm_name)
