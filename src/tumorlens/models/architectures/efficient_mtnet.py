"""EfficientMTNet (published method 2): classification and segmentation in one forward pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tumorlens._network_table import ArchitectureInfo, Option
from tumorlens.errors import ModelError
from tumorlens.models.layers.attention import AttentionMap
from tumorlens.models.layers.conv_blocks import SqueezeExcitation
from tumorlens.models.layers.light_ham import LightHam, NonLocalBlock
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.models.registry import IMAGENET_MEAN, IMAGENET_STD, register

DETAIL = 64  # channels of the low-level features, at 1/8
STAGES = ((64, 2), (96, 2), (128, 1))  # channels and stride of the global feature extractor
WIDTH = STAGES[-1][0]  # channels of all later layers


class EfficientMTNet(Network):
    """Detail at 1/8, context at 1/16 and 1/32; a classification branch and a segmentation branch."""

    def __init__(
        self,
        classes: int,
        channels: int,
        dropout: float,
        depths: tuple[int, int, int],
        context: ContextOptions,
        auxiliary: bool,
    ) -> None:
        super().__init__()
        self.downsample = nn.Sequential(
            _conv_norm_act(channels, 32, 3, stride=2), SeparableConv(32, 48, 2), SeparableConv(48, DETAIL, 2)
        )
        inputs = (DETAIL, *(width for width, _ in STAGES[:-1]))
        self.stages = nn.ModuleList(map(_stage, inputs, STAGES, depths))
        self.neck = MultiScaleNeck(context)
        self.fusion = GatedFusion()
        self.deepest = context.build()
        self.classify = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(WIDTH, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(64, classes),
        )
        self.segment = nn.Sequential(
            SeparableConv(WIDTH, WIDTH), SeparableConv(WIDTH, 64), nn.Dropout(dropout), nn.Conv2d(64, 1, 1)
        )
        heads = [nn.Sequential(SeparableConv(width, 32), nn.Conv2d(32, 1, 1)) for width, _ in STAGES[:2]]
        self.auxiliary = nn.ModuleList(heads if auxiliary else ())

    def forward(self, x: Tensor) -> ModelOutput:
        """(N, C, H, W) -> logits (N, K), mask (N, 1, H, W), and the classifier's maps (N, 128, H/32, W/32).

        In training also the auxiliary logits, (N, 1, H/16, W/16) and (N, 1, H/32, W/32).
        """
        detail = self.downsample(x)
        scales: list[Tensor] = []
        for stage in self.stages:
            scales.append(stage(scales[-1] if scales else detail))
        features = self.deepest(scales[-1])
        logits = self.classify(features.mean((2, 3)))
        mask = _resized(self.segment(self.fusion(detail, self.neck(scales, detail))), x)
        heads = self.auxiliary if self.training else ()
        auxiliary = tuple(head(scale) for head, scale in zip(heads, scales, strict=False))  # not for the last scale
        return ModelOutput(logits, features, mask, auxiliary)

    def segmentation_target_layer(self) -> nn.Module:
        """The neck, which joins all scales of the context; the classifier uses only the last scale."""
        return self.neck

    def training_only(self) -> tuple[nn.Module, ...]:
        """The auxiliary heads."""
        return (self.auxiliary,)


@dataclass(frozen=True)
class ContextOptions:
    """The module for global context.

    Attributes:
        kind: "light" for LightHam, "attention" for plain self-attention, "none".
        rank: of LightHam's matrix factorization.
        steps: of the matrix factorization.
    """

    kind: str
    rank: int
    steps: int

    def __post_init__(self) -> None:
        if self.kind not in ("light", "attention", "none"):
            raise ModelError(
                found=f"efficient_mtnet: option ham is {self.kind!r}", expected="'light', 'attention' or 'none'"
            )
        for name in ("rank", "steps"):
            if getattr(self, name) < 1:
                raise ModelError(
                    found=f"efficient_mtnet: option {name} is {getattr(self, name)}", expected="at least 1"
                )

    def build(self) -> nn.Module:
        """A module (N, 128, H, W) -> the same shape."""
        if self.kind == "light":
            return LightHam(WIDTH, self.rank, self.steps)
        return NonLocalBlock(WIDTH) if self.kind == "attention" else nn.Identity()


class MultiScaleNeck(nn.Module):
    """All scales of the context, resized to the detail, concatenated and fused."""

    def __init__(self, context: ContextOptions) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width, _ in STAGES)
        self.together = SeparableConv(WIDTH * len(STAGES), WIDTH)
        self.ham = context.build()

    def forward(self, scales: list[Tensor], detail: Tensor) -> Tensor:
        """Maps of each stage -> (N, 128, H/8, W/8)."""
        resized = [_resized(lateral(scale), detail) for lateral, scale in zip(self.lateral, scales, strict=True)]
        out: Tensor = self.ham(self.together(torch.cat(resized, dim=1)))
        return out


class GatedFusion(nn.Module):
    """Weighted sum of detail and context; a gate sets the weight of the detail at each position."""

    def __init__(self) -> None:
        super().__init__()
        self.widen = _conv_norm_act(DETAIL, WIDTH)
        self.gate = nn.Sequential(nn.Conv2d(2 * WIDTH, 1, 1), nn.Sigmoid())
        self.share = AttentionMap()

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """(N, 64, H/8, W/8) and (N, 128, H/8, W/8) -> (N, 128, H/8, W/8)."""
        detail = self.widen(detail)
        return torch.lerp(context, detail, self.share(self.gate(torch.cat([detail, context], dim=1))))


class SeparableConv(nn.Sequential):
    """Depthwise 3x3 convolution, 1x1 convolution, squeeze-and-excitation."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            _conv_norm_act(inputs, inputs, 3, stride=stride, groups=inputs),
            _conv_norm_act(inputs, outputs),
            SqueezeExcitation(outputs, outputs // 4),
        )


class InvertedResidual(nn.Module):
    """Expand, depthwise 3x3, project, with a shortcut where shapes match (Sandler et al. 2018, MobileNetV2)."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, squeeze: bool) -> None:
        super().__init__()
        inside = 6 * inputs
        self.body = nn.Sequential(
            _conv_norm_act(inputs, inside),
            _conv_norm_act(inside, inside, 3, stride=stride, groups=inside),
            SqueezeExcitation(inside, inputs // 4) if squeeze else nn.Identity(),
            nn.Conv2d(inside, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / stride, W / stride)."""
        out: Tensor = self.body(x)
        return x + out if self.shortcut else out


def _stage(inputs: int, stage: tuple[int, int], depth: int) -> nn.Sequential:
    """Inverted residual blocks, with squeeze-and-excitation in the first and the last."""
    width, stride = stage
    blocks = [InvertedResidual(inputs, width, stride, squeeze=True)]
    blocks += [InvertedResidual(width, width, 1, squeeze=i == depth - 1) for i in range(1, depth)]
    return nn.Sequential(*blocks)


def _conv_norm_act(inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


# The authors report parameters and multiply-adds, but not the depth of the stages and the rank. Six steps are those of
# the LightHam paper, and rank 32 fits the reported 3.2 G multiply-adds: 3.99 M parameters and 3.20 G; small: 1.39 M.
_OPTIONS: dict[str, Option] = {"ham": "light", "rank": 32, "steps": 6, "auxiliary": True}


def _register(name: str, summary: str, depths: tuple[int, int, int]) -> None:
    @register(
        ArchitectureInfo(
            name=name,
            summary=summary,
            input_size=640,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            license="Apache-2.0",
            citation="Poudel, Liwicki and Cipolla 2019, Fast-SCNN (arXiv:1902.04502); Geng et al. 2021, Is Attention "
            "Better Than Matrix Decomposition? (arXiv:2109.04553)",
            published_method=2,
            segments=True,
            options=_OPTIONS,
        )
    )
    def build(
        classes: int, channels: int, dropout: float | None, *, ham: str, rank: int, steps: int, auxiliary: bool
    ) -> Network:
        own_dropout = 0.1 if dropout is None else dropout
        return EfficientMTNet(classes, channels, own_dropout, depths, ContextOptions(ham, rank, steps), auxiliary)


_register(
    "efficient_mtnet",
    "EfficientMTNet: classification and segmentation in one pass, LightHam for global context",
    (3, 11, 11),
)
_register("efficient_mtnet_s", "EfficientMTNet, small: three blocks per stage", (3, 3, 3))
