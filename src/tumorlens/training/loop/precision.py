"""Recipe + machine -> precision: bfloat16 where it is faster, else float32."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn


def precision_here(wanted: Literal["auto", "bf16", "float32"]) -> Literal["bf16", "float32"]:
    """The precision on this machine; only ``"auto"`` depends on the machine.

    Processors without AVX512-BF16 emulate bfloat16: on two cores with AVX2 EfficientNet-Lite0 trains five times slower
    in it than in float32 (docs/performance.md). Graphics cards older than NVIDIA's Ampere emulate it as well.
    """
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "float32"  # no public function before torch 2.11


def depthwise_in_float32(network: nn.Module) -> None:
    """Run a network's depthwise convolutions in float32 under CPU autocast, in place.

    On CPUs with AVX512-bf16 a pointwise convolution is three to five times faster in bfloat16, but the backward pass of
    a depthwise one is up to ten times slower (no blocked kernel). Casting around the depthwise layers makes training of
    an EfficientNet about twice as fast as plain bf16 autocast. Weights, their names and the exported network do not
    change.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.forward = partial(_in_float32, module.forward)  # type: ignore[method-assign]


def _in_float32(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if not torch.is_autocast_enabled("cpu"):
        return forward(x)
    with torch.autocast("cpu", enabled=False):
        return forward(x.float()).to(torch.get_autocast_dtype("cpu"))
