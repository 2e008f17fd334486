"""A normalized image -> class and mask: eager PyTorch or the exported graph, in milliseconds."""

from __future__ import annotations

import argparse

import onnxruntime
import torch
from rounds import milliseconds, serve
from torch import Tensor, nn

from tumorlens.deploy.onnx_trace import trace
from tumorlens.models import Network, create


class Both(nn.Module):
    """The network with class and mask alone, as a graph names them."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        output = self.network(image)
        return output.logits, output.mask


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["eager", "tuned", "exported"])
    parser.add_argument("network")
    parser.add_argument("side", type=int)
    parser.add_argument("times", type=int)
    chosen = parser.parse_args()

    both = Both(create(chosen.network, 2)).eval()
    image = torch.randn(1, 3, chosen.side, chosen.side)
    if chosen.how == "tuned":
        both, image = both.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)

    def eager() -> object:
        with torch.inference_mode():
            return both(image)

    if chosen.how == "exported":
        session, numbers = _exported(both, image), image.numpy()
        call = lambda: session.run(None, {"image": numbers})  # noqa: E731
    else:
        call = eager
    milliseconds(call, 2)
    serve(lambda: milliseconds(call, chosen.times))


def _exported(both: Both, image: Tensor) -> onnxruntime.InferenceSession:
    program = trace(both, image, "image", ["logits", "mask"], {"image": None})
    graph = program.model_proto.SerializeToString()
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
