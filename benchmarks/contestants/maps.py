"""One image -> forward pass, or a heat map by tumorlens or by the grad-cam package; all eager PyTorch but bundles."""

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
    """The network as the package wants it: a module that returns scores."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs).logits
        return logits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=["forward", "package", "tumorlens", "bundle"])
    parser.add_argument("network", help="name, or the path of a bundle")
    parser.add_argument("method", help="of tumorlens")
    parser.add_argument("times", type=int)
    chosen = parser.parse_args()

    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    if chosen.who == "bundle":
        predictor = load(chosen.network)
        call: Call = lambda: predictor.heatmap(image, method=chosen.method)  # noqa: E731
    else:
        call = _eager(chosen.who, chosen.network, chosen.method, image)
    times = 1 if chosen.method == "occlusion" else chosen.times  # a median of one: it takes seconds
    milliseconds(call, 1)
    serve(lambda: milliseconds(call, times))


def _eager(who: str, name: str, method: str, image: np.ndarray) -> Call:
    known = architecture_info(name)
    spec = ModelSpec(name, ("a", "b", "c", "d"), 3, InputGeometry(SIDE), known.mean, known.std)
    network = spec.network().eval()
    inputs = spec.preprocessing()(torch.from_numpy(image)[None])

    def forward() -> object:
        with torch.inference_mode():
            return network(inputs)

    if who == "forward":
        return forward
    if who == "package":
        cam = getattr(pytorch_grad_cam, PACKAGES[method])(Logits(network), [network.backbone.bn2])  # its last maps
        return lambda: cam(inputs, [ClassifierOutputTarget(0)])
    explainer = PipelineExplainer(Pipeline(spec.preprocessing(), network).eval())
    return lambda: explainer.heatmaps(image[None], [0], method=method)


if __name__ == "__main__":
    main()
