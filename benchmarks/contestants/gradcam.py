"""One prepared input -> forward pass, or Grad-CAM by tumorlens or by the grad-cam package; all eager PyTorch."""

from __future__ import annotations

import sys

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from rounds import milliseconds, serve
from torch import Tensor, nn

from tumorlens.explanation import grad_cam
from tumorlens.models import Network, create


class Logits(nn.Module):
    """The network as the package wants it: a module that returns scores."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs).logits
        return logits


def main() -> None:
    how, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    network = create(name, 4).eval()
    inputs = torch.randn(1, 3, 224, 224)
    package = GradCAM(Logits(network), [network.backbone])

    def forward() -> object:
        with torch.inference_mode():
            return network(inputs)

    calls = {
        "forward": forward,
        "tumorlens": lambda: grad_cam(network, inputs, [0]),
        "package": lambda: package(inputs, [ClassifierOutputTarget(0)]),
    }
    milliseconds(calls[how], 3)
    serve(lambda: milliseconds(calls[how], times))


if __name__ == "__main__":
    main()
