"""A classifier of the registry -> the same with a small U-Net decoder: classification and segmentation in one pass.

Backbone, dropout and linear layer are those of the classifier, so ImageNet weights serve both tasks and the class
activation map stays the same. The decoder goes from the backbone's coarsest maps to those at half the size of the input
and adds the backbone's maps of each size (Ronneberger, Fischer and Brox 2015). It is narrow: at 224 pixels it needs a
third of the multiply-adds of EfficientNet-Lite0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens._network_table import Option
from tumorlens.errors import ModelError
from tumorlens.models.architectures import baselines, efficientnet
from tumorlens.models.layers.conv_blocks import ConvBlock
from tumorlens.models.layers.pooled_backbone import PooledClassifier, check_stride
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import architecture_info, create, register

POOLS = ("mean", "mask")
WIDTH = 16  # channels at half the size of the input; twice as many at each coarser size
_CELL = 8  # pixels of the input per pooling weight: on 28 x 28 cells a map can point into every tumor of Figshare
_BASE_WEIGHT = 0.003  # of a position without tumor: all of them together weigh a fifth of an average tumor
TUMOR_SHARE = 0.02  # about the share of a slice that is tumor: 1.6 % on average in Figshare


class UNet(Network):
    """A classifier with global average pooling, and a decoder on the intermediate maps of its backbone.

    With `mask_pooling` the predicted mask weights the average over positions that the classifier gets (mask-guided
    attention pooling). `ModelOutput.features` are then the weighted maps, so that the network still ends with pooling
    and one linear layer, and its class activation map is the exact contribution of each position to the class score.
    With an empty mask all positions have the same weight.
    """

    def __init__(self, classifier: PooledClassifier, width: int, *, mask_pooling: bool = False) -> None:
        super().__init__()
        self.backbone, self.dropout, self.head = classifier.backbone, classifier.dropout, classifier.head
        self._newly_initialized = classifier.newly_initialized()
        self.decoder = UNetDecoder([stage["num_chs"] for stage in _stages(self.backbone).values()], width)
        self.mask_pooling = mask_pooling

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K), the last maps (N, F, H/stride, W/stride), mask logits (N, 1, H, W).

        With `mask_pooling` the last maps are (N, F, H/8, W/8).
        """
        features, scales = _scales(self.backbone, x)
        mask = _resized(self.decoder(scales), x)
        if not self.mask_pooling:
            return ModelOutput(self.head(self.dropout(features.mean((2, 3)))), features, mask)
        weight = _pooling_weights(mask)
        weighted = _resized(features, weight) * weight.to(features.dtype)
        # Heat maps need the gradient through the weighted maps; training computes the same mean faster.
        mean = _mean_of_upsampled(features, weight) if self.training else weighted.mean((2, 3))
        logits = self.head(self.dropout(mean))
        return ModelOutput(logits, weighted, mask, unweighted=features.mean((2, 3)))

    def classifier_weights(self) -> Tensor:
        """(K, F): the network ends with pooling and one linear layer."""
        return self.head.weight

    def newly_initialized(self) -> tuple[str, ...]:
        """As in the classifier."""
        return self._newly_initialized

    def segmentation_target_layer(self) -> nn.Module:
        """The coarsest block, at 1/16: the bottleneck, the target layer of Seg-Grad-CAM (Vinogradova et al. 2020)."""
        blocks = self.decoder.joins
        return blocks[len(blocks) - 1]


class UNetDecoder(nn.Module):
    """From coarse to fine maps, and one logit per position at the end.

    Args:
        channels: of the backbone's maps, from fine to coarse.
        width: channels at the finest size; doubled at each coarser size.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        *skips, deepest = channels
        widths = [width * 2**i for i in range(len(skips))]
        below = [*widths[1:], deepest]
        self.joins = nn.ModuleList(map(UpBlock, below, skips, widths))
        self.segmentation_head = nn.Conv2d(width, 1, 1)
        # Tumor pixels are rare: with an initial probability of one half, the first epochs would only learn that (Lin et
        # al. 2017, Focal Loss, section 3.3).
        assert self.segmentation_head.bias is not None
        nn.init.constant_(self.segmentation_head.bias, -math.log(1 / TUMOR_SHARE - 1))

    def forward(self, scales: Sequence[Tensor]) -> Tensor:
        """The backbone's maps, from fine to coarse -> (N, 1, h, w) logits at the size of the finest."""
        *skips, x = scales
        for block, skip in zip(reversed(self.joins), reversed(skips), strict=True):
            x = block(x, skip)
        out: Tensor = self.segmentation_head(x)
        return out


class UpBlock(nn.Module):
    """Upsample the coarse maps and fuse them with the fine ones."""

    def __init__(self, coarse: int, fine: int, width: int) -> None:
        super().__init__()
        # The U-Net's convolution over concatenated maps, as a sum: a 1x1 convolution and upsampling commute, and before
        # the upsampling the convolution has a quarter of the positions.
        self.narrow = nn.Conv2d(coarse, width, 1, bias=False)
        self.lateral = nn.Conv2d(fine, width, 1, bias=False)
        self.blend = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), ConvBlock(width, width))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, coarse, h, w) and (N, fine, H, W) -> (N, width, H, W)."""
        out: Tensor = self.blend(self.lateral(skip) + _resized(self.narrow(x), skip))
        return out


def _pooling_weights(mask: Tensor) -> Tensor:
    """(N, 1, H, W) mask logits -> (N, 1, H/8, W/8) weights of positions, with mean 1 per image.

    The mask is detached: the classification loss does not train the decoder.
    """
    weight = F.avg_pool2d(torch.sigmoid(mask.detach().float()), _CELL) + _BASE_WEIGHT
    return weight / weight.mean((2, 3), keepdim=True)


def _mean_of_upsampled(features: Tensor, weight: Tensor) -> Tensor:
    """(N, F, h, w) maps -> (N, F), the mean of the maps, upsampled to the size of the weights and multiplied by them.

    Upsampling is linear, so the (N, 1, H, W) weights can be brought to the size of the maps instead: one channel
    instead of a thousand. At 224 pixels a training step of Lite0 takes a fifth less time.
    """
    down, across = (_upsampling(features.shape[i], weight.shape[i], weight) for i in (2, 3))
    low_resolution = down.T @ weight @ across
    return (features * low_resolution.to(features.dtype)).sum((2, 3)) / (weight.shape[2] * weight.shape[3])


def _upsampling(coarse: int, fine: int, like: Tensor) -> Tensor:
    """(fine, coarse) weights of linear upsampling from so many positions to so many, as in `_resized`."""
    identity = torch.eye(coarse, dtype=like.dtype, device=like.device)
    return F.interpolate(identity[None], size=fine, mode="linear", align_corners=False)[0].T


def _stages(backbone: Any) -> dict[int, dict[str, Any]]:
    """The maps of timm's `feature_info` that the decoder uses: one of each size, from half the input's on."""
    return {i: info for i, info in enumerate(backbone.feature_info) if info["reduction"] > 1}


def _scales(backbone: Any, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The last maps of a backbone of timm, and its intermediate maps, from fine to coarse."""
    stages = _stages(backbone)
    if not isinstance(getattr(backbone, "features", None), nn.Sequential):
        features, scales = backbone.forward_intermediates(x, indices=list(stages))
        return features, scales
    # DenseNet and VGG are one sequence of layers; older versions of timm do not return their intermediate maps.
    names, scales = {stage["module"] for stage in stages.values()}, []
    for name, layer in backbone.features.named_children():
        x = layer(x)
        if f"features.{name}" in names:
            scales.append(x)
    return x, scales


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _register(name: str) -> None:
    base = architecture_info(name)

    @register(
        replace(
            base,
            name=f"{name}_unet",
            summary=f"{base.short_name} with a U-Net decoder: classification and segmentation in one pass",
            citation=f"{base.citation}; Ronneberger, Fischer and Brox 2015, U-Net (arXiv:1505.04597)",
            published_method=None,
            segments=True,
            options={**base.options, "decoder": WIDTH, "pool": POOLS[0]},
        )
    )
    def build(
        classes: int, channels: int, dropout: float | None, *, decoder: int, pool: str, **options: Option
    ) -> Network:
        if not 4 <= decoder <= 128:
            raise ModelError(found=f"{name}_unet: option decoder is {decoder}", expected="4 to 128 channels")
        if pool not in POOLS:
            raise ModelError(found=f"{name}_unet: option pool is {pool!r}", expected=f"one of {list(POOLS)}")
        check_stride(f"{name}_unet", options.get("stride", 32))
        classifier = create(name, classes, channels=channels, dropout=dropout, options=options)
        assert isinstance(classifier, PooledClassifier)
        return UNet(classifier, decoder, mask_pooling=pool == "mask")


for _name in (*efficientnet.BACKBONES, *efficientnet.TRUNCATED, *baselines.BASELINES):
    _register(_name)
