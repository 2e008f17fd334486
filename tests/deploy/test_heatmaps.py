"""A model file gives the heat maps of its run, by every method that it supports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.deploy.conftest import cropped_run
from tests.fixtures.known_graph import use_graph
from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.export import export
from tumorlens.deploy.predictor import load
from tumorlens.errors import ModelError
from tumorlens.explanation import available
from tumorlens.explanation.pipeline_explainer import PipelineExplainer
from tumorlens.model_card.card import KEY
from tumorlens.models import attention_names
from tumorlens.scan import read_scan
from tumorlens.training import Run


def images(phantoms: Path) -> list[Path]:
    return sorted((phantoms / "images").iterdir())


def assert_same(model_file: Path, run: Run, method: str, image: Path, task: str = "classification") -> None:
    """The maps are equal; the run uses gradients where the model file has the class activation map."""
    predictor = load(model_file)
    explainer = PipelineExplainer(run.pipeline(predictor.card.temperature))
    target = None if task == "segmentation" else predictor.classes[1]
    gray = read_scan(image).gray_slice()
    (expected,) = explainer.heatmaps(gray[None], None if target is None else [1], method=method, task=task)
    heatmap = predictor.heatmap(image, method=method, target=target, task=task)
    assert heatmap.shape == gray.shape
    assert heatmap.dtype == np.float32
    assert expected.max() > 0
    np.testing.assert_allclose(heatmap, expected, atol=2e-3)


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam", "eigen_cam", "occlusion"])
def test_a_model_file_with_global_pooling_gives_every_map_of_its_run(
    model_file: Path, finished_run: Run, phantoms: Path, method: str
) -> None:
    for image in images(phantoms)[::9]:
        assert_same(model_file, finished_run, method, image)
    assert load(model_file).card.methods == ("grad_cam", "hires_cam", "eigen_cam", "occlusion")
    assert list(load(model_file).card.methods) == available(finished_run.pipeline())


@pytest.mark.parametrize(
    ("method", "task"),
    [
        ("eigen_cam", "classification"),
        ("attention", "classification"),
        ("occlusion", "classification"),
        ("occlusion", "segmentation"),
        ("mask", "segmentation"),
    ],
)
def test_a_segmentation_model_file_gives_every_map_of_its_run(
    segmentation_model_file: Path, segmentation_run: Run, phantoms: Path, method: str, task: str
) -> None:
    assert_same(segmentation_model_file, segmentation_run, method, images(phantoms)[0], task)


def test_a_method_that_needs_gradients_is_refused_in_one_line(segmentation_model_file: Path, phantoms: Path) -> None:
    predictor = load(segmentation_model_file)
    assert predictor.card.methods == ("eigen_cam", "attention", "occlusion", "mask")
    for task in ("classification", "segmentation"):
        with assert_refused(
            ModelError,
            found=r"this model file of efficient_mtnet_s.* does not support grad_cam",
            expected="one of eigen_cam, att",
        ):
            predictor.heatmap(images(phantoms)[0], method="grad_cam", task=task)
    with assert_refused(ModelError, found="'gloma' found", expected="a class of the model"):
        predictor.heatmap(images(phantoms)[0], method="occlusion", target="gloma")


def test_the_mask_of_a_classification_model_cannot_be_explained(model_file: Path, phantoms: Path) -> None:
    with assert_refused(ModelError, found="this model file of mini_resnet does not segment tumors"):
        load(model_file).heatmap(images(phantoms)[0], task="segmentation")


@pytest.mark.slow  # graphs with head crop are traced in half a minute
def test_a_network_without_class_activation_maps_exports_the_others_also_with_a_head_crop(
    finished_run: Run, head_crop_graphs: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graph(monkeypatch, head_crop_graphs / "brainmrnet.onnx")
    run = cropped_run(finished_run, "brainmrnet", tmp_path / "run")
    network = run.network()
    path = run.folder / "model.onnx"
    card = export(run, path)
    assert card.methods == ("eigen_cam", "attention", "occlusion")
    assert not card.heatmap
    names = [f"attention:{name}" for name in attention_names(network)]
    for method in ("attention", *names, "eigen_cam", "occlusion"):
        assert_same(path, run, method, images(phantoms)[0])
    prediction = load(path).predict(images(phantoms)[0])
    assert prediction.heatmap is None
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    other = load(path).predict(images(phantoms)[-1])  # else a constant graph would pass the check of `export`
    assert max(abs(other.probabilities[name] - p) for name, p in prediction.probabilities.items()) > 1e-3


def test_an_older_model_file_loads_and_gives_the_maps_that_it_supports(
    model_file: Path, phantoms: Path, tmp_path: Path
) -> None:
    model = onnx.load(model_file)
    outputs = [one for one in model.graph.output if one.name in ("probabilities", "cam")]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    (entry,) = [one for one in model.metadata_props if one.key == KEY]
    card = json.loads(entry.value)
    del card["methods"]
    entry.value = json.dumps(card)
    onnx.save(model, tmp_path / "older.onnx")
    older, image = load(tmp_path / "older.onnx"), images(phantoms)[0]
    assert older.card.methods == ()
    assert older.explainer.available() == ["grad_cam", "hires_cam", "occlusion"]
    prediction, newer = older.predict(image), load(model_file).predict(image)
    assert prediction.probabilities == newer.probabilities
    assert np.array_equal(prediction.heatmap, newer.heatmap)
    assert np.array_equal(older.heatmap(image, target=prediction.label), prediction.heatmap)
    with assert_refused(ModelError, found="does not support eigen_cam"):
        older.heatmap(image, method="eigen_cam")
