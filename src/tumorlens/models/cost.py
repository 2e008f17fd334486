"""What a network costs: parameters and multiply-adds, counted without computing anything."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from tumorlens.models import registry


@dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        parameters: trainable values.
        multiply_adds: of one forward pass of one picture (half the floating point operations).
        input_size: side of that picture, pixels.
    """

    parameters: int
    multiply_adds: int
    input_size: int


def cost(name: str, classes: int = 4, *, channels: int = 3, input_size: int | None = None) -> Cost:
    """Count on the meta device: no memory, no arithmetic.

    Raises:
        ModelError: no such model.
    """
    size = input_size or registry.card(name).input_size
    with torch.device("meta"):
        network = registry.create(name, classes, channels=channels).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, channels, size, size))
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(parameters, counter.get_total_flops() // 2, size)
