"""A normalized image -> class and mask: eager PyTorch or the exported graph, in milliseconds."""

from __future__ import annotations

import argparse

import onnxruntime
import torch
from rounds import milliseconds, serve
from torch import Tensor, nn

from tumorlens.deploy.onnx_trace import trace
from tumorlens.models import Network, create


class ExportedOutputs(nn.Module):
    """The network with logits and mask as its only outputs, as in the exported graph."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        output = self.network(image)
        return output.logits, output.mask


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["eager", "tuned", "exported"])
    parser.add_argument("network")
    parser.add_argument("side", type=int)
    parser.add_argument("times", type=int)
    options = parser.parse_args()

    module = ExportedOutputs(create(options.network, 2)).eval()
    image = torch.randn(1, 3, options.side, options.side)
    if options.mode == "tuned":
        module, image = module.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)

    def eager() -> object:
        with torch.inference_mode():
            return module(image)

    if options.mode == "exported":
        session, pixels = _exported(module, image), image.numpy()
        call = lambda: session.run(None, {"image": pixels})  # noqa: E731
    else:
        call = eager
    milliseconds(call, 2)
    serve(lambda: milliseconds(call, options.times))


def _exported(module: ExportedOutputs, image: Tensor) -> onnxruntime.InferenceSession:
    program = trace(module, image, "image", ["logits", "mask"], {"image": None})
    graph = program.model_proto.SerializeToString()
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
