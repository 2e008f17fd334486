"""A bundle around the head finds the head itself, says where, and brings its heat map back there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from tests.deploy.test_card import card
from torch import Tensor

from tests.fixtures import scans
from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, render_patient
from tumorlens.deploy.export import _trace, export
from tumorlens.deploy.parity import random_images
from tumorlens.deploy.predictor import load
from tumorlens.explanation import Explanation, explain
from tumorlens.model_card.card import KEY
from tumorlens.models import ModelSpec, Pipeline, Preprocessing
from tumorlens.models.model_output import ModelOutput, Network
from tumorlens.scan import GrayImage, InputGeometry
from tumorlens.training import Run, load_run

HALF = (0.5,)


class Brightest(Network):
    """A network whose class activation map is brightness, and so has its peak at the brightest spot."""

    def forward(self, inputs: Tensor) -> ModelOutput:
        features = torch.nn.functional.avg_pool2d(inputs, 2) + 1  # black is 0, so that the first class always wins
        weights = self.class_weights()
        return ModelOutput(features.mean((2, 3)) @ weights.T, features)

    def class_weights(self) -> Tensor:
        return torch.tensor([[4.0], [-4.0]])


def bundle_of(input_geometry: InputGeometry, path: Path) -> Pipeline:
    """Write a bundle of `Brightest`, without a run."""
    pipeline = Pipeline(Preprocessing(input_geometry, 1, HALF, HALF), Brightest()).eval()
    program = _trace(pipeline)
    program.model.metadata_props[KEY] = card().model_copy(update={"input_geometry": input_geometry}).model_dump_json()
    program.save(path, external_data=False)
    return pipeline


def images() -> list[GrayImage]:
    heads = [render_patient(PHANTOM_CLASSES[i], i, plane=plane, slices=1)[0].image for i, plane in enumerate(PLANES)]
    blank = [np.full(shape, 7, np.uint8) for shape in ((1, 1), (1, 9), (9, 1), (300, 200))]
    return [*heads, *random_images(seed=3), *blank]


@pytest.fixture(scope="module", params=["letterbox", "resize", "center_crop"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Path]:
    """A network and its bundle, one for each fit."""
    path = tmp_path_factory.mktemp(request.param) / "model.onnx"
    return bundle_of(InputGeometry(96, request.param, crop="head"), path), path


def opened(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_the_graph_finds_the_box_that_the_network_found_in_training(traced: tuple[Pipeline, Path]) -> None:
    pipeline, session = traced[0], opened(traced[1])
    boxes = set()
    for image in images():
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(image.copy())[None])
        probabilities, cam, found = session.run(["probabilities", "cam", "boxes"], {"image": image[None]})
        assert np.array_equal(found, expected.boxes.numpy())
        np.testing.assert_allclose(probabilities, expected.probabilities.numpy(), atol=1e-4)
        np.testing.assert_allclose(cam, expected.cam.numpy(), atol=1e-4)
        boxes.add((*found[0].tolist(), *image.shape))
    assert sum(box[2:4] != box[4:] for box in boxes) >= 3  # the three heads


def test_a_batch_is_answered_image_by_image(traced: tuple[Pipeline, Path]) -> None:
    session = opened(traced[1])
    batch = np.stack([render_patient(name, 5, slices=1, size=128)[0].image for name in PHANTOM_CLASSES])
    batch[1, :, 40:] = 0
    together = session.run(None, {"image": batch})
    alone = [session.run(None, {"image": image[None]}) for image in batch]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(whole, np.concatenate(parts), atol=1e-5)


def test_the_heat_map_comes_back_to_the_spot(traced: tuple[Pipeline, Path]) -> None:
    predictor = load(traced[1])
    image = np.full((260, 400), 3, np.uint8)
    image[40:230, 190:380] = 90  # the head, in the upper right
    image[120:136, 300:316] = 255  # the spot
    heatmap = predictor.predict(image).heatmap
    assert heatmap is not None
    assert heatmap.shape == image.shape
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    assert 120 <= row < 136
    assert 300 <= column < 316
    inside = np.zeros(image.shape, bool)
    inside[35:235, 185:385] = True
    assert not heatmap[~inside].any()


def test_a_run_around_the_head_becomes_a_bundle_that_explains_as_the_run_does(own_run: Run, phantoms: Path) -> None:
    from safetensors.torch import save_file

    spec = ModelSpec("mini_resnet", own_run.spec.classes, 1, InputGeometry(48, crop="head"), HALF, HALF)
    torch.manual_seed(0)
    save_file(spec.network().state_dict(), own_run.folder / "weights.safetensors")
    (own_run.folder / "model.json").write_text(json.dumps(spec.to_dict()))
    run = load_run(own_run.folder)
    assert run.spec.input_geometry.crop == "head"
    made = export(run, run.folder / "model.onnx")
    assert made.input_geometry == run.spec.input_geometry
    assert made.parity.largest_difference <= 1e-4
    predictor = load(run.folder / "model.onnx")
    for path in sorted((phantoms / "images").iterdir())[::7]:
        found = predictor.predict(path)
        (expected,) = explain(run, [path], found.label)
        assert isinstance(expected, Explanation)
        assert found.heatmap is not None
        np.testing.assert_allclose(found.heatmap, expected.heatmap, atol=1e-3)


def test_a_bundle_around_the_whole_image_names_no_box(model_file: Path) -> None:
    assert [output.name for output in opened(model_file).get_outputs()] == ["probabilities", "cam", "features", "ood"]
    assert load(model_file).predict(scans.GRAY).heatmap is not None
