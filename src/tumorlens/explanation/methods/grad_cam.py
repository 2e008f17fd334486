"""Network + input -> where its last feature maps raise a score: Grad-CAM and HiResCAM, for every architecture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tumorlens.errors import ModelError
from tumorlens.explanation.catalog import Task
from tumorlens.models import ModelOutput, Network


def grad_cam(
    network: Network, inputs: Tensor, targets: Sequence[int] | None = None, *, task: Task = "classification"
) -> Tensor:
    """Grad-CAM of a class score, or of the predicted mask (Selvaraju et al. 2017).

    The gradient of the score with respect to the last feature maps, averaged over pixels, weights those maps; the
    result is their sum without negative values. For a network that ends in global average pooling and one linear layer
    it equals the class activation map up to a constant.

    The score of a mask is the sum of its logits inside the predicted mask (Seg-Grad-CAM, Vinogradova et al. 2020), and
    the feature maps are those of `Network.segmentation_target_layer`.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W) float32, from `Preprocessing`.
        targets: for each input the class to explain; None for the predicted class.
        task: ``"segmentation"`` explains the predicted mask; `targets` are ignored then.

    Returns:
        (N, h, w) float32, at least 0, at the resolution of the feature maps; all 0 where the predicted mask is empty.

    Raises:
        ModelError: `task` is ``"segmentation"``, and the network does not segment.
    """
    maps, gradient = _maps(network, inputs, targets, task)
    return torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1))


def hires_cam(
    network: Network, inputs: Tensor, targets: Sequence[int] | None = None, *, task: Task = "classification"
) -> Tensor:
    """Like `grad_cam`, with the gradient multiplied pixel by pixel instead of averaged (Draelos and Carin 2020).

    For a network that ends in one linear layer after the feature maps, high values did raise the score; Grad-CAM can
    be high where they did not. With global average pooling the gradient is constant, and both methods are equal.
    """
    maps, gradient = _maps(network, inputs, targets, task)
    return torch.relu((gradient * maps).sum(1))


def _maps(network: Network, inputs: Tensor, targets: Sequence[int] | None, task: Task) -> tuple[Tensor, Tensor]:
    """The feature maps, and the gradient of the score with respect to them, both (N, C, h, w)."""
    with torch.enable_grad():
        output, maps = _forward(network, inputs.detach().requires_grad_(True), task)
        if task == "segmentation":
            if output.mask is None:
                raise ModelError(
                    found=f"{type(network).__name__} does not segment tumors", advice="explain a class instead"
                )
            score = output.mask[output.mask.detach() >= 0].sum()
        else:
            chosen = output.logits.argmax(1) if targets is None else torch.as_tensor(targets, device=inputs.device)
            score = output.logits.gather(1, chosen[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, maps)
    return maps.detach(), gradient


def _forward(network: Network, inputs: Tensor, task: Task) -> tuple[ModelOutput, Tensor]:
    """The network's output, and the feature maps to explain."""
    layer = network.segmentation_target_layer() if task == "segmentation" else None
    if layer is None:
        output: ModelOutput = network(inputs)
        return output, output.features
    recorded: list[Tensor] = []

    def record(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
        recorded.append(out)

    handle = layer.register_forward_hook(record)
    try:
        output = network(inputs)
    finally:
        handle.remove()
    return output, recorded[0]
