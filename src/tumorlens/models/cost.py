"""Network name -> its cost: parameters and multiply-adds, counted on the meta device without arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from tumorlens._network_table import Option
from tumorlens.models import registry


@dataclass(frozen=True)
class Cost:
    """Cost of a network.

    Attributes:
        parameters: trainable values.
        multiply_adds: of one forward pass with one image (half the floating point operations).
        input_size: side of that image, pixels.
    """

    parameters: int
    multiply_adds: int
    input_size: int


def cost(
    name: str,
    classes: int = 4,
    *,
    channels: int = 3,
    input_size: int | None = None,
    options: Mapping[str, Option] | None = None,
) -> Cost:
    """Count parameters and multiply-adds on the meta device, in evaluation mode: no memory, no arithmetic.

    Auxiliary heads, which work in training only, do not count.

    Raises:
        ModelError: no such network or option.
    """
    size = input_size or registry.architecture_info(name).input_size
    with torch.device("meta"):
        network = registry.create(name, classes, channels=channels, options=options).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, channels, size, size))
    excluded = {id(p) for module in network.training_only() for p in module.parameters()}
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad and id(p) not in excluded)
    return Cost(parameters, counter.get_total_flops() // 2, size)
