"""EfficientNet-B0 to B4 (published method 3 and the baseline of 5) and Lite0 to Lite2, with timm's backbones."""

from __future__ import annotations

from typing import Any

from torch import nn

from tumorlens._network_table import ArchitectureInfo
from tumorlens.models.layers.pooled_backbone import PooledClassifier, backbone, check_stride
from tumorlens.models.model_output import Network
from tumorlens.models.registry import HALF, IMAGENET_MEAN, IMAGENET_STD, register

_TAN = "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for CNNs, ICML (arXiv:1905.11946)"
_LITE = f"Liu 2020, Higher accuracy on vision models with EfficientNet-Lite (TensorFlow blog); {_TAN}"


# Registry name -> timm's backbone. All tags stand for weights that were trained with the mean and standard deviation
# registered here: ImageNet's for the B series (timm's default for B1 was not), 0.5 for Lite.
BACKBONES = {
    "efficientnet_b0": "efficientnet_b0.ra_in1k",
    "efficientnet_b1": "efficientnet_b1.ft_in1k",
    "efficientnet_b2": "efficientnet_b2.ra_in1k",
    "efficientnet_b3": "efficientnet_b3.ra2_in1k",
    "efficientnet_b4": "efficientnet_b4.ra2_in1k",
    "efficientnet_lite0": "tf_efficientnet_lite0.in1k",
    "efficientnet_lite1": "tf_efficientnet_lite1.in1k",
    "efficientnet_lite2": "tf_efficientnet_lite2.in1k",
}
TRUNCATED = ("efficientnet_lite0_short",)
_STAGES = 4  # of the five map sizes: 1/2, 1/4, 1/8 and 1/16
_HEAD_CHANNELS = 320  # of the last maps; Lite0 has 1280
# Input size and dropout: table 1 and section 5.2 of the paper; Lite takes those of its B.
_SCALES = [(224, 0.2), (240, 0.2), (260, 0.3), (300, 0.3), (380, 0.4)]


def _register(name: str, timm_name: str) -> None:
    size, default_dropout = _SCALES[int(name[-1])]
    lite = "lite" in name
    variant = name.removeprefix("efficientnet_").capitalize()

    @register(
        ArchitectureInfo(
            name=name,
            summary=f"EfficientNet-{variant}"
            + (": no squeeze-and-excitation, ReLU6; fast on a CPU" if lite else " with a new classifier"),
            input_size=size,
            mean=HALF if lite else IMAGENET_MEAN,
            std=HALF if lite else IMAGENET_STD,
            license="Apache-2.0",
            citation=_LITE if lite else _TAN,
            published_method=None if lite else 3,
            weights=("package", "hub") if lite else ("hub",),
            options={"stride": 32},
        )
    )
    def build(classes: int, channels: int, dropout: float | None, *, stride: int) -> Network:
        check_stride(name, stride)
        return PooledClassifier(
            backbone(timm_name, channels, stride=stride), classes, default_dropout if dropout is None else dropout
        )


for _name, _timm_name in BACKBONES.items():
    _register(_name, _timm_name)


class TruncatedEfficientNet(PooledClassifier):
    """A Lite network up to its maps at 1/16; the layers after them have four fifths of its weights.

    The 1x1 convolution before the pooling is newly initialized, because its ImageNet weights belong to the removed
    layers.
    """

    def __init__(self, maps: Any, classes: int, dropout: float) -> None:
        maps.prune_intermediate_layers([_STAGES - 1])
        maps.feature_info, maps.stage_ends = maps.feature_info[:_STAGES], maps.stage_ends[:_STAGES]
        maps.conv_head = nn.Conv2d(maps.feature_info[-1]["num_chs"], _HEAD_CHANNELS, 1, bias=False)
        maps.bn2 = type(maps.bn1)(_HEAD_CHANNELS, act_layer=nn.ReLU6)
        maps.num_features = _HEAD_CHANNELS
        super().__init__(maps, classes, dropout)

    def newly_initialized(self) -> tuple[str, ...]:
        """The convolution before the pooling, and its batch norm."""
        return ("conv_head.", "bn2.")


@register(
    ArchitectureInfo(
        name="efficientnet_lite0_short",
        summary="EfficientNet-Lite0 without its last two stages: a fifth of the weights",
        input_size=224,
        mean=HALF,
        std=HALF,
        license="Apache-2.0",
        citation=_LITE,
        weights=("package", "hub"),
    )
)
def efficientnet_lite0_short(classes: int, channels: int, dropout: float | None) -> Network:
    """Dropout 0.2 by default."""
    return TruncatedEfficientNet(
        backbone(BACKBONES["efficientnet_lite0"], channels), classes, 0.2 if dropout is None else dropout
    )
