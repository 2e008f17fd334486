"""EfficientNet-B0 ... B4 and Lite0 ... Lite2 (systems 3 and 5's baseline), with timm's backbones."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from tumorlens.models.output import Network, Output
from tumorlens.models.registry import HALF, IMAGENET_MEAN, IMAGENET_STD, ModelCard, register

_TAN = "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for CNNs, ICML (arXiv:1905.11946)"
_LITE = f"Liu 2020, Higher accuracy on vision models with EfficientNet-Lite (TensorFlow blog); {_TAN}"


class EfficientNet(Network):
    """Backbone, global average pooling, dropout, one linear layer."""

    def __init__(self, backbone: str, classes: int, channels: int, dropout: float) -> None:
        super().__init__()
        maps: Any = timm.create_model(backbone, num_classes=0, global_pool="", in_chans=channels)
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


def _enter(card: ModelCard, backbone: str, dropout_default: float) -> None:
    @register(card)
    def build(classes: int, channels: int, dropout: float | None) -> Network:
        return EfficientNet(backbone, classes, channels, dropout_default if dropout is None else dropout)


# Sizes and dropout of the B series: table 1 and section 5.2 of the paper. The tags name weights
# that were all trained with ImageNet mean and standard deviation (timm's default for B1 was not).
for _i, (_size, _dropout, _tag) in enumerate(
    [
        (224, 0.2, "ra_in1k"),
        (240, 0.2, "ft_in1k"),
        (260, 0.3, "ra_in1k"),
        (300, 0.3, "ra2_in1k"),
        (380, 0.4, "ra2_in1k"),
    ]
):
    _enter(
        ModelCard(
            name=f"efficientnet_b{_i}",
            summary=f"EfficientNet-B{_i}, its 1000-class layer replaced",
            input_size=_size,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            licence="Apache-2.0",
            citation=_TAN,
            system=3,
            weights=("hub",),
        ),
        f"efficientnet_b{_i}.{_tag}",
        _dropout,
    )

for _i, (_size, _dropout) in enumerate([(224, 0.2), (240, 0.2), (260, 0.3)]):
    _enter(
        ModelCard(
            name=f"efficientnet_lite{_i}",
            summary=f"EfficientNet-Lite{_i}: no squeeze-and-excitation, ReLU6; quick on a CPU",
            input_size=_size,
            mean=HALF,
            std=HALF,
            licence="Apache-2.0",
            citation=_LITE,
            weights=("package", "hub"),
        ),
        f"tf_efficientnet_lite{_i}.in1k",
        _dropout,
    )
