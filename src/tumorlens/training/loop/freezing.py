"""A pretrained backbone -> its first layers kept as they came: less to compute, and less to learn by heart.

The first layers find edges and textures, which serve images of any kind (Yosinski et al. 2014, How transferable are
features in deep neural networks?, NIPS), and are where a step of training spends most of its time: their maps are the
largest. Batch norm among them keeps its statistics too, or they would drift away from weights that stand still.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.models import Network

LARGEST = 4
"""Sizes of maps that can be kept: those at 1/2, 1/4, 1/8 and 1/16 of the input."""


def freeze(network: Network, sizes: int) -> None:
    """Keep the backbone's layers up to the last maps of the first sizes as they are, in place.

    Args:
        network: with a backbone of timm (`can_freeze`).
        sizes: 1 for all layers up to the last maps at half the input's size, 2 for those at a quarter, and so on to 4.
    """
    for layer in _first_layers(network.backbone, sizes):
        for weight in layer.parameters(recurse=False):
            weight.requires_grad_(False)
        if isinstance(layer, _BatchNorm):
            layer.eval()


def can_freeze(network: Network, sizes: int) -> bool:
    """Whether a network has so many sizes of maps in a backbone of timm."""
    return bool(_last(getattr(network, "backbone", None), sizes))


def is_frozen(layer: nn.Module) -> bool:
    """Whether the layer's own weights stand still."""
    weights = list(layer.parameters(recurse=False))
    return bool(weights) and not any(weight.requires_grad for weight in weights)


def _first_layers(backbone: Any, sizes: int) -> list[nn.Module]:
    """The layers and what holds them, in the order of the network, up to the maps of that size."""
    last, reached, found = _last(backbone, sizes), False, []
    for name, layer in backbone.named_modules():
        within = name == last or name.startswith(f"{last}.")
        if reached and not within:
            break
        reached |= within
        found.append(layer)
    return found


def _last(backbone: Any, sizes: int) -> str:
    """Where the last maps of that size come from; empty where there are none."""
    maps = getattr(backbone, "feature_info", ())
    return next((str(info["module"]) for info in maps if info["reduction"] == 2**sizes), "")
