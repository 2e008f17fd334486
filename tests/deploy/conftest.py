"""Model files with head crop, which are traced together for all tests of this folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.conftest import beside_tests, build_once
from tests.fixtures.traced_together import exported_pipeline, trace_together
from tumorlens.evaluation import gray_slice
from tumorlens.models import ModelOutput, ModelSpec, Network, Pipeline, Preprocessing
from tumorlens.scan import InputGeometry
from tumorlens.training import Run, load_run

HALF = (0.5,)
MODES = ("letterbox", "resize", "center_crop")
CROPPED = {"mini_resnet": 48, "brainmrnet": 32}
"""Networks of the runs with head crop, and the side of their input, pixels."""


class Brightest(Network):
    """A network whose class activation map is the brightness, with its maximum at the brightest spot."""

    def forward(self, inputs: Tensor) -> ModelOutput:
        features = torch.nn.functional.avg_pool2d(inputs, 2) + 1  # black is 0, so that the first class always wins
        weights = self.classifier_weights()
        return ModelOutput(features.mean((2, 3)) @ weights.T, features)

    def classifier_weights(self) -> Tensor:
        return torch.tensor([[4.0], [-4.0]])


def brightest(mode: str) -> Pipeline:
    """A pipeline of `Brightest` with head crop."""
    return Pipeline(Preprocessing(InputGeometry(96, mode, crop="head"), 1, HALF, HALF), Brightest()).eval()


def cropped_run(run: Run, name: str, folder: Path) -> Run:
    """A copy of a run, as deep as it, with an untrained network of `CROPPED` and head crop instead of its own.

    With the batch statistics of the run's images, so that its outputs differ between them.
    """
    shutil.copytree(run.folder, folder)
    spec = ModelSpec(name, run.spec.classes, 1, InputGeometry(CROPPED[name], crop="head"), HALF, HALF)
    torch.manual_seed(0)
    network = spec.network().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.train().momentum = 1.0
    with torch.no_grad():
        images = [torch.from_numpy(gray_slice(sample.image).copy()) for sample in run.table().samples]
        network(spec.preprocessing()(torch.stack(images)))
    save_file(network.state_dict(), folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(spec.to_dict()))
    return load_run(folder)


@pytest.fixture(scope="session")
def head_crop_graphs(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``NAME.onnx`` for the mode of each `brightest` and for each `cropped_run`."""

    def build(path: Path) -> None:
        path.mkdir()
        pipelines = {mode: brightest(mode) for mode in MODES}
        pipelines |= {name: exported_pipeline(cropped_run(finished_run, name, path / name)) for name in CROPPED}
        trace_together(pipelines, path)

    return build_once(tmp_path_factory, beside_tests("head-crop"), build)
