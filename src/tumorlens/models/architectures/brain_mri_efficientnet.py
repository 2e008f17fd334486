"""BrainMRIEfficientNet (system 1): inverted bottlenecks, dilated, with channel and spatial attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.models.layers.blocks import SpatialAttention, SqueezeExcitation
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, ArchitectureInfo, Option, register


@dataclass(frozen=True)
class Scale:
    """Compound scaling: how much deeper, wider and finer than the smallest network.

    Attributes:
        depth: factor of the blocks in a stage.
        width: factor of the channels.
        resolution: factor of the input's side.
    """

    depth: float
    width: float
    resolution: float


def scale(phi: int, depth: float = 1.2, width: float = 1.1, resolution: float = 1.15) -> Scale:
    """The three factors, which move together: each coefficient to the power of `phi`.

    The coefficients are those of Tan and Le 2019, equations 3 and 4, so that each step of phi doubles the work.

    Raises:
        ModelError: `phi` is not 0 to 7.
    """
    if not 0 <= phi <= 7:
        raise ModelError(f"brain_mri_efficientnet: option phi is {phi}; expected 0 to 7")
    return Scale(depth**phi, width**phi, resolution**phi)


def resolution(phi: int) -> int:
    """Side in pixels of the input that belongs to `phi`, a multiple of the network's stride of 32.

    224, 256 and 288 for 0, 1 and 2. A recipe with option phi names it as ``input.size``.

    Raises:
        ModelError: `phi` is not 0 to 7.
    """
    return 32 * round(224 * scale(phi).resolution / 32)


class BrainMRIEfficientNet(Network):
    """Stem, seven stages of inverted bottlenecks, pooling, dense layers: 5.6 M parameters at scale 1."""

    def __init__(self, classes: int, channels: int, dropout: float, size: Scale, parts: Parts) -> None:
        super().__init__()
        inputs = _wide(32, size)
        self.stem = _unit(channels, inputs, parts, kernel=3, stride=2)
        stages: list[nn.Module] = []
        for stage in STAGES:
            outputs = _wide(stage.channels, size)
            blocks: list[nn.Module] = []
            for i in range(math.ceil(stage.blocks * size.depth)):
                blocks.append(Bottleneck(inputs, outputs, stage, parts, first=i == 0))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        features = _wide(1280, size)
        self.last = _unit(inputs, features, parts)
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(features, DENSE[0]),
            nn.SiLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(DENSE[0], DENSE[1]),
            nn.SiLU(inplace=True),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(DENSE[1], classes)

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K) and the last maps (N, 1280, H/32, W/32)."""
        features = self.last(self.stages(self.stem(x)))
        return ModelOutput(self.head(self.dense(features.mean((2, 3)))), features)


@dataclass(frozen=True)
class Parts:
    """What can be switched off or exchanged.

    Attributes:
        dilation: spread the depthwise kernels of the stages that say so.
        squeeze: squeeze-and-excitation, the channel attention.
        spatial_attention: after it.
        norm: "batch", or "group", which does not depend on the batch (Wu and He 2018).
    """

    dilation: bool = True
    squeeze: bool = True
    spatial_attention: bool = True
    norm: str = "batch"

    def __post_init__(self) -> None:
        if self.norm not in ("batch", "group"):
            raise ModelError(f"brain_mri_efficientnet: option norm is {self.norm!r}; expected 'batch' or 'group'")


@dataclass(frozen=True)
class Stage:
    """Blocks of one width.

    Attributes:
        expand: channels inside a block for each that enters.
        kernel: side of the depthwise kernel.
        stride: of the first block.
        channels: that leave, at scale 1.
        blocks: at scale 1.
        dilation: of all blocks but the first.
    """

    expand: int
    kernel: int
    stride: int
    channels: int
    blocks: int
    dilation: int = 1


# Depths and widths: EfficientNet-B0, table 1 of Tan and Le 2019. Dilation is for the 28 and 14 pixel grids (of a 224
# pixel input), where a tumor spans several places and a kernel of 5 spread to 9 still fits: before that the maps hold
# edges, after that, on 7 pixels, most of the kernel would lie on the padding. A stage's first block stays dense. It
# has the stride, and a spread kernel that moves in steps of two sees the same quarter of the places everywhere; and
# dense blocks among spread ones close the gaps those leave (Yu, Koltun and Funkhouser 2017, section 4).
STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2, dilation=2),
    Stage(6, 3, 2, 80, 3, dilation=2),
    Stage(6, 5, 1, 112, 3, dilation=2),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
DENSE = (1024, 256)  # B0's 4.0 M and these make the 5.6 M that the authors state


class Bottleneck(nn.Module):
    """Expand, depthwise convolution, channel attention, spatial attention, project; a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, stage: Stage, parts: Parts, *, first: bool) -> None:
        super().__init__()
        inside = inputs * stage.expand
        stride = stage.stride if first else 1
        dilation = stage.dilation if parts.dilation and not first else 1
        self.expand = _unit(inputs, inside, parts) if stage.expand > 1 else nn.Identity()
        self.depthwise = _unit(
            inside, inside, parts, kernel=stage.kernel, stride=stride, dilation=dilation, groups=inside
        )
        self.squeeze = SqueezeExcitation(inside, inputs // 4) if parts.squeeze else nn.Identity()
        self.spatial = SpatialAttention() if parts.spatial_attention else nn.Identity()
        self.project = nn.Sequential(nn.Conv2d(inside, outputs, 1, bias=False), _norm(outputs, parts))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        out: Tensor = self.project(self.spatial(self.squeeze(self.depthwise(self.expand(x)))))
        return x + out if self.shortcut else out


def _unit(
    inputs: int, outputs: int, parts: Parts, *, kernel: int = 1, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution, norm, SiLU."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, _norm(outputs, parts), nn.SiLU(inplace=True))


def _norm(channels: int, parts: Parts) -> nn.Module:
    # Eight channels a group: every width is a multiple of eight.
    return nn.BatchNorm2d(channels) if parts.norm == "batch" else nn.GroupNorm(channels // 8, channels)


def _wide(channels: int, size: Scale) -> int:
    """Scaled to the nearest multiple of eight, but not below nine tenths, as in EfficientNet."""
    wanted = channels * size.width
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * wanted else nearest + 8


_OPTIONS: dict[str, Option] = {
    "phi": 0,
    "dilation": True,
    "squeeze": True,
    "spatial_attention": True,
    "norm": "batch",
}


@register(
    ArchitectureInfo(
        name="brain_mri_efficientnet",
        summary="BrainMRIEfficientNet: dilation, channel and spatial attention; phi 0, 1, 2 for 224, 256, 288 pixels",
        input_size=resolution(0),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        license="Apache-2.0",
        citation="Tan and Le 2019, EfficientNet (arXiv:1905.11946); Woo et al. 2018, CBAM (arXiv:1807.06521); "
        "Yu and Koltun 2016, Multi-Scale Context Aggregation by Dilated Convolutions (arXiv:1511.07122)",
        system=1,
        options=_OPTIONS,
    )
)
def brain_mri_efficientnet(
    classes: int,
    channels: int,
    dropout: float | None,
    *,
    phi: int,
    dilation: bool,
    squeeze: bool,
    spatial_attention: bool,
    norm: str,
) -> Network:
    """BrainMRIEfficientNet; dropout 0.3 before each of the dense layers unless told otherwise."""
    parts = Parts(dilation, squeeze, spatial_attention, norm)
    return BrainMRIEfficientNet(classes, channels, 0.3 if dropout is None else dropout, scale(phi), parts)
