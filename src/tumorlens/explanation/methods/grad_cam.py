"""network + input -> where its last maps raise a score: Grad-CAM and HiResCAM, for every network of the registry."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.explanation.catalog import Of
from tumorlens.models import ModelOutput, Network


def grad_cam(network: Network, inputs: Tensor, targets: Sequence[int] | None = None, *, of: Of = "class") -> Tensor:
    """Where the last maps speak for a class, or for the tumor that is drawn (Selvaraju et al. 2017).

    The gradient of the score by the last maps, averaged over places, weights those maps; their sum, negative values
    cut off, is the answer. In a network of global average pooling and one linear layer this is the class activation
    map up to a constant, at the cost of one forward pass.

    The score of a drawn tumor is the sum of its logits over the pixels drawn (Seg-Grad-CAM, Vinogradova et al. 2020),
    and the maps are those it is drawn from (`Network.segmentation_target_layer`).

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W) float32, as `Preprocessing` makes them.
        targets: for each input the class to explain; None for the predicted one.
        of: ``"mask"`` explains the drawn tumor, and `targets` are not looked at.

    Returns:
        (N, h, w) float32, not negative, at the resolution of the maps; all 0 where no tumor is drawn.

    Raises:
        ModelError: the network draws none.
    """
    maps, gradient = _maps(network, inputs, targets, of)
    return torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1))


def hires_cam(network: Network, inputs: Tensor, targets: Sequence[int] | None = None, *, of: Of = "class") -> Tensor:
    """Like `grad_cam`, the gradient multiplied place by place and not averaged first (Draelos and Carin 2020).

    What is hot did raise the score, in a network that ends in one linear layer after the maps; Grad-CAM can
    show places that did not. After pooling the gradient is the same everywhere, and the two are equal.
    """
    maps, gradient = _maps(network, inputs, targets, of)
    return torch.relu((gradient * maps).sum(1))


def _maps(network: Network, inputs: Tensor, targets: Sequence[int] | None, of: Of) -> tuple[Tensor, Tensor]:
    """The maps that are looked at, and the gradient of the score by them, both (N, C, h, w)."""
    with torch.enable_grad():
        output, maps = _forward(network, inputs.detach().requires_grad_(True), of)
        if of == "mask":
            if output.mask is None:
                raise ModelError(f"{type(network).__name__} draws no tumor; explain a class, or use one that does")
            score = output.mask[output.mask.detach() >= 0].sum()
        else:
            chosen = output.logits.argmax(1) if targets is None else torch.as_tensor(targets, device=inputs.device)
            score = output.logits.gather(1, chosen[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, maps)
    return maps.detach(), gradient


def _forward(network: Network, inputs: Tensor, of: Of) -> tuple[ModelOutput, Tensor]:
    """The network's output, and the maps to look at."""
    source = network.segmentation_target_layer() if of == "mask" else None
    if source is None:
        output: ModelOutput = network(inputs)
        return output, output.features
    passed: list[Tensor] = []

    def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
        passed.append(out)

    handle = source.register_forward_hook(keep)
    try:
        output = network(inputs)
    finally:
        handle.remove()
    return output, passed[0]
