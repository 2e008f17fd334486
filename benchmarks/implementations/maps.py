"""One image -> forward pass, or heat map by tumorlens or the grad-cam package; eager PyTorch, or a model file."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from rounds import milliseconds, serve
from torch import Tensor, nn

from tumorlens.deploy.predictor import load
from tumorlens.explanation.pipeline_explainer import PipelineExplainer
from tumorlens.models import ModelSpec, Network, Pipeline, architecture_info
from tumorlens.scan import InputGeometry

SIDE = 224
PACKAGES = {"grad_cam": "GradCAM", "hires_cam": "HiResCAM", "eigen_cam": "EigenCAM"}
Call = Callable[[], object]


class Logits(nn.Module):
    """A wrapper for the package, which expects a module that returns scores."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs).logits
        return logits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("implementation", choices=["forward", "package", "tumorlens", "model-file"])
    parser.add_argument("network", help="name, or the path of a model file")
    parser.add_argument("method", help="of tumorlens")
    parser.add_argument("times", type=int)
    arguments = parser.parse_args()

    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    if arguments.implementation == "model-file":
        predictor = load(arguments.network)
        call: Call = lambda: predictor.heatmap(image, method=arguments.method)  # noqa: E731
    else:
        call = _eager(arguments.implementation, arguments.network, arguments.method, image)
    times = 1 if arguments.method == "occlusion" else arguments.times  # one run, since it takes seconds
    milliseconds(call, 1)
    serve(lambda: milliseconds(call, times))


def _eager(implementation: str, name: str, method: str, image: np.ndarray) -> Call:
    info = architecture_info(name)
    spec = ModelSpec(name, ("a", "b", "c", "d"), 3, InputGeometry(SIDE), info.mean, info.std)
    network = spec.network().eval()
    inputs = spec.preprocessing()(torch.from_numpy(image)[None])

    def forward() -> object:
        with torch.inference_mode():
            return network(inputs)

    if implementation == "forward":
        return forward
    if implementation == "package":
        last = network.backbone.bn2  # the layer of the last feature maps
        cam = getattr(pytorch_grad_cam, PACKAGES[method])(Logits(network), [last])
        return lambda: cam(inputs, [ClassifierOutputTarget(0)])
    explainer = PipelineExplainer(Pipeline(spec.preprocessing(), network).eval())
    return lambda: explainer.heatmaps(image[None], [0], method=method)


if __name__ == "__main__":
    main()
