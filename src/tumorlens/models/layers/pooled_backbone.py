"""Backbone, global average pooling, dropout, one linear layer: how a classifier of ImageNet names tumors."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.model_output import ModelOutput, Network

STRIDES = (32, 16)  # pixels of the input for one place of the last maps


def backbone(name: str, channels: int, *, stride: int = 32, **settings: Any) -> Any:
    """A network of timm, fresh weights, that ends with its last maps: (N, C, H, W) -> (N, F, H/stride, W/stride).

    Args:
        name: timm's, with the tag of the weights that the hub has for it.
        channels: of the input.
        stride: 16 makes the last maps twice as fine: the last stage spreads its kernels instead of stepping. Weights
            fit both. Only EfficientNet and ResNet can.
        **settings: further ones of timm's.
    """
    if stride != 32:
        settings["output_stride"] = stride
    return timm.create_model(name, num_classes=0, global_pool="", in_chans=channels, **settings)


def check_stride(model: str, stride: object) -> None:
    """See that a backbone can have this stride.

    Args:
        model: the network that was asked for, which may be built around the backbone's own.
        stride: its option.

    Raises:
        ModelError: another one than 32 or 16.
    """
    if stride not in STRIDES:
        raise ModelError(f"{model}: option stride is {stride}; expected 32 or 16")


class Pooled(Network):
    """A backbone of timm with its 1000-class layer replaced."""

    def __init__(self, maps: Any, classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone = maps
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(maps.num_features, classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K) and the last stage's maps (N, F, H/stride, W/stride)."""
        features = self.backbone(x)
        return ModelOutput(self.head(self.dropout(features.mean((2, 3)))), features)

    def class_weights(self) -> Tensor:
        """(K, F): this is a pooling + linear network."""
        return self.head.weight
