"""A plain network of the registry -> the same with a small U-Net decoder: the class and the mask in one pass.

Backbone, dropout and linear layer are those of the plain network, so ImageNet weights serve both tasks and the class
activation map stays what it was. The decoder goes from the backbone's coarsest maps to those at half the size of the
input, and joins what the backbone saw at each size on the way (Ronneberger, Fischer and Brox 2015). It is narrow:
at 224 pixels it costs a third of the multiply-adds of EfficientNet-Lite0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens.errors import ModelError
from tumorlens.models.architectures import baselines, efficientnet
from tumorlens.models.layers.blocks import ConvBlock
from tumorlens.models.layers.pooled_backbone import Pooled, check_stride
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import Option, architecture_info, create, register

POOLS = ("mean", "mask")
WIDTH = 16  # channels at half the size of the input; twice as many at each size below
_PLACE = 8  # pixels of the input for one weight: on 28 x 28 places a map can point into every tumor of Figshare's
_ELSEWHERE = 0.003  # weight of a place without tumor: all of them together count a fifth of an average tumor
RARE = 0.02  # about the share of a slice that is tumor: 1.6 % on average in Figshare's


class UNet(Network):
    """A pooled network, and a decoder on the maps its backbone makes on the way.

    With `attends` the class is read where the tumor is drawn: the mean over places that is given to the classifier is
    weighted by the mask, and `ModelOutput.features` are the weighted maps, so that the network stays pooling + linear, and
    its class activation map says exactly what each place gave to the score. Where nothing is drawn all places count
    alike.
    """

    def __init__(self, plain: Pooled, width: int, *, attends: bool = False) -> None:
        super().__init__()
        self.backbone, self.dropout, self.head = plain.backbone, plain.dropout, plain.head
        self._not_pretrained = plain.newly_initialized()
        self.decoder = Decoder([info["num_chs"] for info in _taps(self.backbone).values()], width)
        self.attends = attends

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K), the last maps (N, F, H/stride, W/stride), mask logits (N, 1, H, W).

        With `attends` the last maps are (N, F, H/8, W/8).
        """
        features, scales = _scales(self.backbone, x)
        mask = _resized(self.decoder(scales), x)
        if not self.attends:
            return ModelOutput(self.head(self.dropout(features.mean((2, 3)))), features, mask)
        weight = _attention(mask)
        weighted = _resized(features, weight) * weight.to(features.dtype)
        # Heat maps follow the gradient through the maps that are shown; training takes the short way to the same mean.
        mean = _mean_of_enlarged(features, weight) if self.training else weighted.mean((2, 3))
        logits = self.head(self.dropout(mean))
        return ModelOutput(logits, weighted, mask, unweighted=features.mean((2, 3)))

    def class_weights(self) -> Tensor:
        """(K, F): the classifier is pooling + linear."""
        return self.head.weight

    def newly_initialized(self) -> tuple[str, ...]:
        """As of the plain network."""
        return self._not_pretrained

    def segmentation_target_layer(self) -> nn.Module:
        """The coarsest join, at 1/16: the bottleneck, where Vinogradova et al. 2020 (Seg-Grad-CAM) look at a U-Net."""
        joins = self.decoder.joins
        return joins[len(joins) - 1]


class Decoder(nn.Module):
    """From coarse to fine, and one logit a place at the end.

    Args:
        channels: of the backbone's maps, from fine to coarse.
        width: channels at the finest; doubled at each coarser size.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        *skips, deepest = channels
        widths = [width * 2**i for i in range(len(skips))]
        below = [*widths[1:], deepest]
        self.joins = nn.ModuleList(map(Join, below, skips, widths))
        self.segmentation_head = nn.Conv2d(width, 1, 1)
        # What is sought is rare: from one half everywhere, the first epochs would be spent on learning just that
        # (Lin et al. 2017, Focal Loss, section 3.3).
        assert self.segmentation_head.bias is not None
        nn.init.constant_(self.segmentation_head.bias, -math.log(1 / RARE - 1))

    def forward(self, scales: Sequence[Tensor]) -> Tensor:
        """The backbone's maps, from fine to coarse -> (N, 1, h, w) logits as large as the finest."""
        *skips, x = scales
        for join, skip in zip(reversed(self.joins), reversed(skips), strict=True):
            x = join(x, skip)
        out: Tensor = self.segmentation_head(x)
        return out


class Join(nn.Module):
    """Coarse maps enlarged, fine maps beside them, both as one."""

    def __init__(self, coarse: int, fine: int, width: int) -> None:
        super().__init__()
        # The U-Net's convolution over both side by side, as a sum: a 1x1 convolution and an enlargement can trade
        # places, and before the enlargement it works on a quarter of the places.
        self.narrow = nn.Conv2d(coarse, width, 1, bias=False)
        self.lateral = nn.Conv2d(fine, width, 1, bias=False)
        self.blend = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), ConvBlock(width, width))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, coarse, h, w) and (N, fine, H, W) -> (N, width, H, W)."""
        out: Tensor = self.blend(self.lateral(skip) + _resized(self.narrow(x), skip))
        return out


def _attention(mask: Tensor) -> Tensor:
    """(N, 1, H, W) mask logits -> (N, 1, H/8, W/8) weights of places; those of an image have mean 1.

    The class has no say in the mask: no gradient goes that way.
    """
    weight = F.avg_pool2d(torch.sigmoid(mask.detach().float()), _PLACE) + _ELSEWHERE
    return weight / weight.mean((2, 3), keepdim=True)


def _mean_of_enlarged(features: Tensor, weight: Tensor) -> Tensor:
    """(N, F, h, w) maps -> (N, F), the mean of the maps enlarged to the weights' size and multiplied by them.

    Enlarging is linear, so the (N, 1, H, W) weights can be brought to the size of the maps instead: one channel takes
    the way of a thousand. At 224 pixels a training step of Lite0 takes a fifth less time.
    """
    down, across = (_enlarging(features.shape[i], weight.shape[i], weight) for i in (2, 3))
    gathered = down.T @ weight @ across
    return (features * gathered.to(features.dtype)).sum((2, 3)) / (weight.shape[2] * weight.shape[3])


def _enlarging(few: int, many: int, like: Tensor) -> Tensor:
    """(many, few) shares: what each of many places in a row takes from each of few, as `_resized` does it."""
    ones = torch.eye(few, dtype=like.dtype, device=like.device)
    return F.interpolate(ones[None], size=many, mode="linear", align_corners=False)[0].T


def _taps(backbone: Any) -> dict[int, dict[str, Any]]:
    """Those of timm's feature maps that the decoder joins: one of each size, from half the input's on."""
    return {i: info for i, info in enumerate(backbone.feature_info) if info["reduction"] > 1}


def _scales(backbone: Any, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The last maps of a backbone of timm, and those it made on the way, from fine to coarse."""
    taps = _taps(backbone)
    if not isinstance(getattr(backbone, "features", None), nn.Sequential):
        features, scales = backbone.forward_intermediates(x, indices=list(taps))
        return features, scales
    # DenseNet and VGG are one row of layers; not every timm that we support takes their maps for us.
    names, scales = {info["module"] for info in taps.values()}, []
    for name, layer in backbone.features.named_children():
        x = layer(x)
        if f"features.{name}" in names:
            scales.append(x)
    return x, scales


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _enter(name: str) -> None:
    plain = architecture_info(name)

    @register(
        replace(
            plain,
            name=f"{name}_unet",
            summary=f"{plain.summary.split(',')[0].split(':')[0]} with a U-Net decoder: class and mask in one pass",
            citation=f"{plain.citation}; Ronneberger, Fischer and Brox 2015, U-Net (arXiv:1505.04597)",
            system=None,
            segments=True,
            options={**plain.options, "decoder": WIDTH, "pool": POOLS[0]},
        )
    )
    def build(
        classes: int, channels: int, dropout: float | None, *, decoder: int, pool: str, **options: Option
    ) -> Network:
        if not 4 <= decoder <= 128:
            raise ModelError(f"{name}_unet: option decoder is {decoder}; expected 4 to 128 channels")
        if pool not in POOLS:
            raise ModelError(f"{name}_unet: option pool is {pool!r}; expected one of {list(POOLS)}")
        check_stride(f"{name}_unet", options.get("stride", 32))
        network = create(name, classes, channels=channels, dropout=dropout, options=options)
        assert isinstance(network, Pooled)
        return UNet(network, decoder, attends=pool == "mask")


for _name in (*efficientnet.BACKBONES, *efficientnet.SHORT, *baselines.NAMES):
    _enter(_name)
