"""BrainMRIEfficientNet (published method 1): dilated inverted bottlenecks with channel and spatial attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from tumorlens._network_table import ArchitectureInfo, Option
from tumorlens.errors import ModelError
from tumorlens.models.layers.conv_blocks import SpatialAttention, SqueezeExcitation
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, register


@dataclass(frozen=True)
class CompoundScale:
    """Compound scaling: factors of depth, width and resolution relative to the smallest network.

    Attributes:
        depth: factor of the number of blocks in a stage.
        width: factor of the number of channels.
        resolution: factor of the side of the input.
    """

    depth: float
    width: float
    resolution: float


def compound_scale(phi: int, depth: float = 1.2, width: float = 1.1, resolution: float = 1.15) -> CompoundScale:
    """The three factors: each coefficient to the power of `phi`.

    The coefficients are those of Tan and Le 2019, equations 3 and 4: each step of phi doubles the arithmetic.

    Raises:
        ModelError: `phi` is not 0 to 7.
    """
    if not 0 <= phi <= 7:
        raise ModelError(found=f"brain_mri_efficientnet: option phi is {phi}", expected="0 to 7")
    return CompoundScale(depth**phi, width**phi, resolution**phi)


def input_size_of(phi: int) -> int:
    """Side of the input for `phi`, pixels, a multiple of the network's stride of 32.

    224, 256 and 288 for 0, 1 and 2. A recipe that sets the option phi sets ``input.size`` too.

    Raises:
        ModelError: `phi` is not 0 to 7.
    """
    return 32 * round(224 * compound_scale(phi).resolution / 32)


class BrainMRIEfficientNet(Network):
    """Stem, seven stages of inverted bottlenecks, pooling, dense layers: 5.6 M parameters at scale 1."""

    def __init__(
        self, classes: int, channels: int, dropout: float, scale: CompoundScale, options: BlockOptions
    ) -> None:
        super().__init__()
        inputs = _scaled_width(32, scale)
        self.stem = _conv_norm_act(channels, inputs, options, kernel=3, stride=2)
        stages: list[nn.Module] = []
        for stage in STAGES:
            outputs = _scaled_width(stage.channels, scale)
            blocks: list[nn.Module] = []
            for i in range(math.ceil(stage.blocks * scale.depth)):
                blocks.append(Bottleneck(inputs, outputs, stage, options, first=i == 0))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        features = _scaled_width(1280, scale)
        self.last = _conv_norm_act(inputs, features, options)
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
class BlockOptions:
    """Options of all blocks, for ablations.

    Attributes:
        dilation: use the dilation of `StageConfig`; else none.
        squeeze: use squeeze-and-excitation, the channel attention.
        spatial_attention: use spatial attention after it.
        norm: "batch", or "group", which does not depend on the batch (Wu and He 2018).
    """

    dilation: bool = True
    squeeze: bool = True
    spatial_attention: bool = True
    norm: str = "batch"

    def __post_init__(self) -> None:
        if self.norm not in ("batch", "group"):
            raise ModelError(
                found=f"brain_mri_efficientnet: option norm is {self.norm!r}", expected="'batch' or 'group'"
            )


@dataclass(frozen=True)
class StageConfig:
    """Blocks of one width.

    Attributes:
        expand: expansion ratio: channels inside a block per input channel.
        kernel: side of the depthwise kernel.
        stride: of the first block.
        channels: output channels, at scale 1.
        blocks: number of blocks, at scale 1.
        dilation: of all blocks except the first.
    """

    expand: int
    kernel: int
    stride: int
    channels: int
    blocks: int
    dilation: int = 1


# Depths and widths: EfficientNet-B0, table 1 of Tan and Le 2019. Dilation is for maps of 28 and 14 pixels (with an
# input of 224), where a tumor spans several positions and a dilated kernel of 9 fits: earlier maps show edges, and on
# later maps of 7 pixels most of the kernel would be on the padding. The first block of a stage is not dilated: it has
# the stride, and a dilated kernel with a stride of two reads the same quarter of the positions everywhere. Dense blocks
# between dilated ones also fill the gaps between their samples (Yu, Koltun and Funkhouser 2017, section 4).
STAGES = (
    StageConfig(1, 3, 1, 16, 1),
    StageConfig(6, 3, 2, 24, 2),
    StageConfig(6, 5, 2, 40, 2, dilation=2),
    StageConfig(6, 3, 2, 80, 3, dilation=2),
    StageConfig(6, 5, 1, 112, 3, dilation=2),
    StageConfig(6, 5, 2, 192, 4),
    StageConfig(6, 3, 1, 320, 1),
)
DENSE = (1024, 256)  # with B0's 4.0 M parameters these give the 5.6 M that the authors report


class Bottleneck(nn.Module):
    """Expand, depthwise convolution, channel attention, spatial attention, project; a shortcut where shapes match."""

    def __init__(self, inputs: int, outputs: int, stage: StageConfig, options: BlockOptions, *, first: bool) -> None:
        super().__init__()
        inside = inputs * stage.expand
        stride = stage.stride if first else 1
        dilation = stage.dilation if options.dilation and not first else 1
        self.expand = _conv_norm_act(inputs, inside, options) if stage.expand > 1 else nn.Identity()
        self.depthwise = _conv_norm_act(
            inside, inside, options, kernel=stage.kernel, stride=stride, dilation=dilation, groups=inside
        )
        self.squeeze = SqueezeExcitation(inside, inputs // 4) if options.squeeze else nn.Identity()
        self.spatial = SpatialAttention() if options.spatial_attention else nn.Identity()
        self.project = nn.Sequential(nn.Conv2d(inside, outputs, 1, bias=False), _norm(outputs, options))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        out: Tensor = self.project(self.spatial(self.squeeze(self.depthwise(self.expand(x)))))
        return x + out if self.shortcut else out


def _conv_norm_act(
    inputs: int,
    outputs: int,
    options: BlockOptions,
    *,
    kernel: int = 1,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution, norm, SiLU."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, _norm(outputs, options), nn.SiLU(inplace=True))


def _norm(channels: int, options: BlockOptions) -> nn.Module:
    # Eight channels per group: every width is a multiple of eight.
    return nn.BatchNorm2d(channels) if options.norm == "batch" else nn.GroupNorm(channels // 8, channels)


def _scaled_width(channels: int, scale: CompoundScale) -> int:
    """Scaled to the nearest multiple of eight, but not below nine tenths, as in EfficientNet."""
    wanted = channels * scale.width
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
        input_size=input_size_of(0),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        license="Apache-2.0",
        citation="Tan and Le 2019, EfficientNet (arXiv:1905.11946); Woo et al. 2018, CBAM (arXiv:1807.06521); "
        "Yu and Koltun 2016, Multi-Scale Context Aggregation by Dilated Convolutions (arXiv:1511.07122)",
        published_method=1,
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
    """BrainMRIEfficientNet; dropout 0.3 before each of the dense layers by default."""
    block_options = BlockOptions(dilation, squeeze, spatial_attention, norm)
    return BrainMRIEfficientNet(
        classes, channels, 0.3 if dropout is None else dropout, compound_scale(phi), block_options
    )
