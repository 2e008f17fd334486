"""Grad-CAM (Selvaraju et al. 2017) for every network of the registry."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tumorlens.models import Network


def grad_cam(network: Network, inputs: Tensor, targets: Sequence[int] | None = None) -> Tensor:
    """Where the last convolutional stage speaks for a class.

    The gradient of the class score by the last maps, averaged over places, weights those maps; their
    sum, negative values cut off, is the answer. In a network of global average pooling and one linear
    layer this is the class activation map up to a constant, at the cost of one forward pass.

    Args:
        network: in evaluation mode.
        inputs: (N, C, H, W) float32, as `Prepare` makes them.
        targets: for each input the class to explain; None for the predicted one.

    Returns:
        (N, h, w) float32, not negative, at the resolution of the last stage.
    """
    with torch.enable_grad():
        output = network(inputs.detach().requires_grad_(True))
        chosen = output.logits.argmax(1) if targets is None else torch.as_tensor(targets, device=inputs.device)
        score = output.logits.gather(1, chosen[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, output.features)
    weights = gradient.mean((2, 3), keepdim=True)
    return torch.relu((weights * output.features.detach()).sum(1))
