"""A model file with head crop outputs the box of the head, and maps its heat map back into the image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import Tensor

from tests.conftest import build_once
from tests.fixtures import model_cards, scans
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
traces = pytest.mark.slow  # a graph with head crop is traced in 10 to 20 seconds


class Brightest(Network):
    """A network whose class activation map is the brightness, with its maximum at the brightest spot."""

    def forward(self, inputs: Tensor) -> ModelOutput:
        features = torch.nn.functional.avg_pool2d(inputs, 2) + 1  # black is 0, so that the first class always wins
        weights = self.classifier_weights()
        return ModelOutput(features.mean((2, 3)) @ weights.T, features)

    def classifier_weights(self) -> Tensor:
        return torch.tensor([[4.0], [-4.0]])


def brightest(input_geometry: InputGeometry) -> Pipeline:
    return Pipeline(Preprocessing(input_geometry, 1, HALF, HALF), Brightest()).eval()


def write_model_file(input_geometry: InputGeometry, path: Path) -> None:
    """Write a model file of `Brightest`, without a run."""
    program = _trace(brightest(input_geometry))
    card = model_cards.sparse().model_copy(update={"input_geometry": input_geometry})
    program.model.metadata_props[KEY] = card.model_dump_json()
    program.save(path, external_data=False)


def images() -> list[GrayImage]:
    heads = [render_patient(PHANTOM_CLASSES[i], i, plane=plane, slices=1)[0].image for i, plane in enumerate(PLANES)]
    blank = [np.full(shape, 7, np.uint8) for shape in ((1, 1), (1, 9), (9, 1), (300, 200))]
    return [*heads, *random_images(seed=3), *blank]


@pytest.fixture(scope="module", params=["letterbox", "resize", "center_crop"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Path]:
    """A network and its model file, one for each mode of the input geometry; written once for all workers."""
    geometry = InputGeometry(96, request.param, crop="head")

    def build(path: Path) -> None:
        path.mkdir()
        write_model_file(geometry, path / "model.onnx")

    path = build_once(tmp_path_factory, f"head-crop-{request.param}", build) / "model.onnx"
    return brightest(geometry), path


def session_of(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


@traces
def test_the_graph_outputs_the_same_box_as_the_network(exported: tuple[Pipeline, Path]) -> None:
    pipeline, session = exported[0], session_of(exported[1])
    boxes = set()
    for image in images():
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(image.copy())[None])
        probabilities, cam, box = session.run(["probabilities", "cam", "boxes"], {"image": image[None]})
        assert np.array_equal(box, expected.boxes.numpy())
        np.testing.assert_allclose(probabilities, expected.probabilities.numpy(), atol=1e-4)
        np.testing.assert_allclose(cam, expected.cam.numpy(), atol=1e-4)
        boxes.add((*box[0].tolist(), *image.shape))
    assert sum(box[2:4] != box[4:] for box in boxes) >= 3  # the three heads


@traces
def test_a_batch_gives_the_same_outputs_as_single_images(exported: tuple[Pipeline, Path]) -> None:
    session = session_of(exported[1])
    batch = np.stack([render_patient(name, 5, slices=1, size=128)[0].image for name in PHANTOM_CLASSES])
    batch[1, :, 40:] = 0
    batched = session.run(None, {"image": batch})
    single = [session.run(None, {"image": image[None]}) for image in batch]
    for outputs, each in zip(batched, zip(*single, strict=True), strict=True):
        np.testing.assert_allclose(outputs, np.concatenate(each), atol=1e-5)


@traces
def test_the_heat_map_has_its_maximum_at_the_spot(exported: tuple[Pipeline, Path]) -> None:
    predictor = load(exported[1])
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


@traces
def test_a_run_with_head_crop_and_its_model_file_give_the_same_heat_maps(own_run: Run, phantoms: Path) -> None:
    from safetensors.torch import save_file

    spec = ModelSpec("mini_resnet", own_run.spec.classes, 1, InputGeometry(48, crop="head"), HALF, HALF)
    torch.manual_seed(0)
    save_file(spec.network().state_dict(), own_run.folder / "weights.safetensors")
    (own_run.folder / "model.json").write_text(json.dumps(spec.to_dict()))
    run = load_run(own_run.folder)
    assert run.spec.input_geometry.crop == "head"
    card = export(run, run.folder / "model.onnx")
    assert card.input_geometry == run.spec.input_geometry
    assert card.parity.largest_difference <= 1e-4
    predictor = load(run.folder / "model.onnx")
    for path in sorted((phantoms / "images").iterdir())[::7]:
        prediction = predictor.predict(path)
        (expected,) = explain(run, [path], prediction.label)
        assert isinstance(expected, Explanation)
        assert prediction.heatmap is not None
        np.testing.assert_allclose(prediction.heatmap, expected.heatmap, atol=1e-3)


def test_a_model_file_without_head_crop_outputs_no_box(model_file: Path) -> None:
    assert [output.name for output in session_of(model_file).get_outputs()] == [
        "probabilities",
        "cam",
        "features",
        "ood_score",
    ]
    assert load(model_file).predict(scans.GRAY).heatmap is not None
