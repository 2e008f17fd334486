"""Network with a pretrained backbone -> the same with its first layers frozen: less to compute, less overfitting.

The first layers detect edges and textures, which are useful for all images (Yosinski et al. 2014, How transferable are
features in deep neural networks?, NIPS). They take most of the time of a training step, because their maps are the
largest. Their batch norm statistics are frozen too, so that they stay consistent with the weights.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tumorlens.models import Network


def freeze(network: Network, stages: int) -> None:
    """Freeze the first stages of the backbone, in place.

    Args:
        network: with a backbone of timm (`can_freeze`).
        stages: 1 for all layers up to the last maps at half the input's size, 2 for those at a quarter, and so on to 4.
    """
    for layer in _first_layers(network.backbone, stages):
        for weight in layer.parameters(recurse=False):
            weight.requires_grad_(False)
        if isinstance(layer, _BatchNorm):
            layer.eval()


def can_freeze(network: Network, stages: int) -> bool:
    """Whether a network has so many stages in a backbone of timm."""
    return bool(_last(getattr(network, "backbone", None), stages))


def is_frozen(layer: nn.Module) -> bool:
    """Whether the layer's own weights are frozen."""
    weights = list(layer.parameters(recurse=False))
    return bool(weights) and not any(weight.requires_grad for weight in weights)


def _first_layers(backbone: Any, stages: int) -> list[nn.Module]:
    """The layers and their containers, in the order of the network, up to the last maps of that stage."""
    last, reached, layers = _last(backbone, stages), False, []
    for name, layer in backbone.named_modules():
        within = name == last or name.startswith(f"{last}.")
        if reached and not within:
            break
        reached |= within
        layers.append(layer)
    return layers


def _last(backbone: Any, stages: int) -> str:
    """Name of the module of the last maps of that stage; empty where there is none."""
    maps = getattr(backbone, "feature_info", ())
    return next((str(info["module"]) for info in maps if info["reduction"] == 2**stages), "")
