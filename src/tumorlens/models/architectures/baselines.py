"""VGG16, ResNet-50 and DenseNet-121 (system 4's baselines), with timm's backbones.

ResNet-50 and DenseNet-121 are the published networks with the 1000-class layer replaced. VGG16 is its thirteen
published convolutions, pooled: the two dense layers of 4096 are left out, as Zhou et al. 2016 do for class activation
maps (Learning Deep Features for Discriminative Localization, CVPR, section 3.1). They hold 119.5 of VGG16's 134.3
million weights, which a set of 253 images cannot teach, they fix the input at 224 pixels, and with them the network
would have no map in an exported graph. All three start from torchvision's first ImageNet weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tumorlens.models.layers.pooled_backbone import Pooled, backbone, check_stride
from tumorlens.models.model_output import Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, ArchitectureInfo, Option, register

NAMES = ("vgg16", "resnet50", "densenet121")


def _card(
    name: str, summary: str, license: str, citation: str, options: Mapping[str, Option] | None = None
) -> ArchitectureInfo:
    return ArchitectureInfo(
        name=name,
        summary=summary,
        input_size=224,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        license=f"Apache-2.0 (timm's code); weights {license} (torchvision)",
        citation=citation,
        system=4,
        weights=("hub",),
        options=options or {},
    )


@register(
    _card(
        "vgg16",
        "VGG16's convolutions, pooled, without its dense layers of 4096",
        "BSD-3-Clause",
        "Simonyan and Zisserman 2015, Very Deep Convolutional Networks, ICLR (arXiv:1409.1556)",
    )
)
def vgg16(classes: int, channels: int, dropout: float | None) -> Network:
    """VGG16; dropout 0.5 unless told otherwise, as between its dense layers in the paper."""
    # The dense layers are made one unit wide, since timm insists on them, and then taken out.
    maps: Any = backbone("vgg16.tv_in1k", channels, mlp_ratio=1 / 4096)
    maps.pre_logits = nn.Identity()
    return Pooled(maps, classes, 0.5 if dropout is None else dropout)


@register(
    _card(
        "resnet50",
        "ResNet-50, its 1000-class layer replaced",
        "BSD-3-Clause",
        "He, Zhang, Ren and Sun 2016, Deep Residual Learning, CVPR (arXiv:1512.03385)",
        {"stride": 32},
    )
)
def resnet50(classes: int, channels: int, dropout: float | None, *, stride: int) -> Network:
    """ResNet-50; no dropout unless told otherwise."""
    check_stride("resnet50", stride)
    return Pooled(backbone("resnet50.tv_in1k", channels, stride=stride), classes, dropout or 0.0)


@register(
    _card(
        "densenet121",
        "DenseNet-121, its 1000-class layer replaced",
        "Apache-2.0",
        "Huang, Liu, van der Maaten and Weinberger 2017, Densely Connected Networks, CVPR (arXiv:1608.06993)",
    )
)
def densenet121(classes: int, channels: int, dropout: float | None) -> Network:
    """DenseNet-121; no dropout unless told otherwise."""
    return Pooled(backbone("densenet121.tv_in1k", channels), classes, dropout or 0.0)
