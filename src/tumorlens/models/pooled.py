"""Backbone, global average pooling, dropout, one linear layer: how a classifier of ImageNet names tumours."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from tumorlens.models.output import Network, Output


def backbone(name: str, channels: int, **settings: Any) -> Any:
    """A network of timm, fresh weights, that ends with its last maps: (N, C, H, W) -> (N, F, H/32, W/32).

    Args:
        name: timm's, with the tag of the weights that the hub has for it.
        channels: of the input.
        **settings: further ones of timm's.
    """
    return timm.create_model(name, num_classes=0, global_pool="", in_chans=channels, **settings)


class Pooled(Network):
    """A backbone of timm with its 1000-class layer replaced."""

    def __init__(self, maps: Any, classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone = maps
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(maps.num_features, classes)

    def forward(self, x: Tensor) -> Output:
        """(N, C, H, W) -> logits (N, K) and the last stage's maps (N, F, H/32, W/32)."""
        features = self.backbone(x)
        return Output(self.head(self.dropout(features.mean((2, 3)))), features)

    def class_weights(self) -> Tensor:
        """(K, F): this is a pooling + linear network."""
        return self.head.weight
