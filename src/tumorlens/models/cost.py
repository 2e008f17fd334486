"""What a network costs: parameters and multiply-adds, counted without computing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from tumorlens.models import registry


@dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        parameters: trainable values.
        multiply_adds: of one forward pass of one image (half the floating point operations).
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
    options: Mapping[str, registry.Option] | None = None,
) -> Cost:
    """Count on the meta device, in evaluation mode: no memory, no arithmetic.

    Parameters are those of the network in use: heads that exist in training only do not count.

    Raises:
        ModelError: no such model or option.
    """
    size = input_size or registry.architecture_info(name).input_size
    with torch.device("meta"):
        network = registry.create(name, classes, channels=channels, options=options).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, channels, size, size))
    spare = {id(p) for module in network.training_only() for p in module.parameters()}
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad and id(p) not in spare)
    return Cost(parameters, counter.get_total_flops() // 2, size)
