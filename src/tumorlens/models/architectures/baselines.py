"""VGG16, ResNet-50 and DenseNet-121 (the baselines of published method 4), with timm's backbones.

ResNet-50 and DenseNet-121 are the published networks with the 1000-class layer replaced. VGG16 is its thirteen
published convolutions and global average pooling: the two dense layers of 4096 are left out, as Zhou et al. 2016 do for
class activation maps (Learning Deep Features for Discriminative Localization, CVPR, section 3.1). These layers have
119.5 of VGG16's 134.3 million weights, too many for a set of 253 images; they fix the input size at 224 pixels; and a
network with them has no class activation map in an exported graph. All three use torchvision's first ImageNet weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from tumorlens._network_table import ArchitectureInfo, Option
from tumorlens.models.layers.pooled_backbone import PooledClassifier, backbone, check_stride
from tumorlens.models.model_output import Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, register

BASELINES = ("vgg16", "resnet50", "densenet121")


def _info(
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
        published_method=4,
        weights=("hub",),
        options=options or {},
    )


@register(
    _info(
        "vgg16",
        "VGG16's convolutions, global average pooling and a new classifier, without the dense layers of 4096",
        "BSD-3-Clause",
        "Simonyan and Zisserman 2015, Very Deep Convolutional Networks, ICLR (arXiv:1409.1556)",
    )
)
def vgg16(classes: int, channels: int, dropout: float | None) -> Network:
    """VGG16; dropout 0.5 by default, as between its dense layers in the paper."""
    # timm needs the dense layers: they are built one unit wide and then removed.
    maps: Any = backbone("vgg16.tv_in1k", channels, mlp_ratio=1 / 4096)
    maps.pre_logits = nn.Identity()
    return PooledClassifier(maps, classes, 0.5 if dropout is None else dropout)


@register(
    _info(
        "resnet50",
        "ResNet-50 with a new classifier",
        "BSD-3-Clause",
        "He, Zhang, Ren and Sun 2016, Deep Residual Learning, CVPR (arXiv:1512.03385)",
        {"stride": 32},
    )
)
def resnet50(classes: int, channels: int, dropout: float | None, *, stride: int) -> Network:
    """ResNet-50; no dropout by default."""
    check_stride("resnet50", stride)
    return PooledClassifier(backbone("resnet50.tv_in1k", channels, stride=stride), classes, dropout or 0.0)


@register(
    _info(
        "densenet121",
        "DenseNet-121 with a new classifier",
        "Apache-2.0",
        "Huang, Liu, van der Maaten and Weinberger 2017, Densely Connected Networks, CVPR (arXiv:1608.06993)",
    )
)
def densenet121(classes: int, channels: int, dropout: float | None) -> Network:
    """DenseNet-121; no dropout by default."""
    return PooledClassifier(backbone("densenet121.tv_in1k", channels), classes, dropout or 0.0)
