"""Classifier of a timm backbone, global average pooling, dropout and one linear layer."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.model_output import ModelOutput, Network

STRIDES = (32, 16)  # pixels of the input per position of the last maps


def backbone(name: str, channels: int, *, stride: int = 32, **settings: Any) -> Any:
    """A backbone of timm without classifier, newly initialized: (N, C, H, W) -> (N, F, H/stride, W/stride).

    Args:
        name: in timm, with the tag of the weights on the hub.
        channels: of the input.
        stride: 16 gives last maps of twice the resolution: the last stage uses dilation instead of a stride. Weights
            fit both. Only EfficientNet and ResNet support it.
        **settings: further settings of timm.
    """
    if stride != 32:
        settings["output_stride"] = stride
    return timm.create_model(name, num_classes=0, global_pool="", in_chans=channels, **settings)


def check_stride(model: str, stride: object) -> None:
    """Check the option stride of a network.

    Args:
        model: name of the network, for the message.
        stride: its option.

    Raises:
        ModelError: not 32 or 16.
    """
    if stride not in STRIDES:
        raise ModelError(found=f"{model}: option stride is {stride}", expected="32 or 16")


class PooledClassifier(Network):
    """A backbone of timm, global average pooling, dropout, and one linear layer for the classes."""

    def __init__(self, maps: Any, classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone = maps
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(maps.num_features, classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K) and the last stage's maps (N, F, H/stride, W/stride)."""
        features = self.backbone(x)
        return ModelOutput(self.head(self.dropout(features.mean((2, 3)))), features)

    def classifier_weights(self) -> Tensor:
        """(K, F): the network ends with pooling and one linear layer."""
        return self.head.weight
