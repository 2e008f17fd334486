"""A model file with head crop outputs the box of the head, and maps its heat map back into the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from tests.deploy.conftest import MODES, brightest, cropped_run
from tests.fixtures import model_cards, scans
from tests.fixtures.known_graph import use_graph
from tumorlens.datasets.phantom import PHANTOM_CLASSES, PLANES, render_patient
from tumorlens.deploy.export import export
from tumorlens.deploy.parity import random_images
from tumorlens.deploy.predictor import load
from tumorlens.explanation import Explanation, explain
from tumorlens.model_card.card import KEY
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage
from tumorlens.training import Run

traces = pytest.mark.slow  # graphs with head crop are traced in half a minute


def images() -> list[GrayImage]:
    heads = [render_patient(PHANTOM_CLASSES[i], i, plane=plane, slices=1)[0].image for i, plane in enumerate(PLANES)]
    blank = [np.full(shape, 7, np.uint8) for shape in ((1, 1), (1, 9), (9, 1), (300, 200))]
    return [*heads, *random_images(seed=3), *blank]


@pytest.fixture(params=MODES)
def exported(request: pytest.FixtureRequest, head_crop_graphs: Path) -> tuple[Pipeline, Path]:
    """A network and its graph, one for each mode of the input geometry."""
    return brightest(request.param), head_crop_graphs / f"{request.param}.onnx"


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
def test_the_heat_map_has_its_maximum_at_the_spot(exported: tuple[Pipeline, Path], tmp_path: Path) -> None:
    pipeline, graph = exported
    model = onnx.load(graph)
    geometry = pipeline.preprocessing.input_geometry
    card = model_cards.sparse().model_copy(update={"input_geometry": geometry})
    onnx.helper.set_model_props(model, {KEY: card.model_dump_json()})
    onnx.save(model, tmp_path / "model.onnx")
    predictor = load(tmp_path / "model.onnx")
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
def test_a_run_with_head_crop_and_its_model_file_give_the_same_heat_maps(
    finished_run: Run, head_crop_graphs: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graph(monkeypatch, head_crop_graphs / "mini_resnet.onnx")
    run = cropped_run(finished_run, "mini_resnet", tmp_path / "run")
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
