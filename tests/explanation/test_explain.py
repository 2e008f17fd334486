"""A run or a model file explains images, and one unreadable file does not stop the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens._record import Record
from tumorlens.deploy.predictor import load
from tumorlens.errors import ModelError, ScanError
from tumorlens.evaluation import evaluate, write_evaluation
from tumorlens.explanation import Explanation, explain
from tumorlens.training import Run

pytestmark = pytest.mark.usefixtures("plain_charts")


def test_an_unreadable_file_gives_its_error_in_its_place(finished_run: Run, phantoms: Path, tmp_path: Path) -> None:
    good = sorted((phantoms / "images").iterdir())[:2]
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    first, error, last = explain(finished_run, [good[0], bad, good[1]])
    assert isinstance(error, ScanError)
    assert error.file == str(bad)
    assert isinstance(first, Explanation)
    assert isinstance(last, Explanation)
    assert (first.path, last.path) == tuple(good)


def test_a_heat_map_has_the_size_of_its_image(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (explanation,) = explain(finished_run, [str(path)])
    assert isinstance(explanation, Explanation)
    assert explanation.heatmap.shape == explanation.gray.shape == (64, 64)
    assert explanation.heatmap.dtype == np.float32
    assert 0 <= explanation.heatmap.min() <= explanation.heatmap.max() <= 1
    assert explanation.target in finished_run.spec.classes


def test_any_class_can_be_explained(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    probabilities = [
        item.probability
        for name in finished_run.spec.classes
        for item in explain(finished_run, [path], name)
        if isinstance(item, Explanation) and item.target == name
    ]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def test_an_unknown_class_is_an_error_before_any_image_is_read(finished_run: Run) -> None:
    with assert_refused(ModelError, found="'gloma' found", expected="glioma"):
        explain(finished_run, ["does-not-exist.png"], "gloma")


def test_a_network_that_also_segments_is_explained_like_any_other(segmentation_run: Run, phantoms: Path) -> None:
    (explanation,) = explain(segmentation_run, [next((phantoms / "images").iterdir())])
    assert isinstance(explanation, Explanation)
    assert explanation.heatmap.shape == explanation.gray.shape
    assert explanation.heatmap.max() > 0


def test_all_supported_methods_can_be_computed_at_once(segmentation_run: Run, phantoms: Path) -> None:
    (explanation,) = explain(
        segmentation_run, [next((phantoms / "images").iterdir())], method="all", task="segmentation"
    )
    assert isinstance(explanation, Explanation)
    assert list(explanation.heatmaps) == ["grad_cam", "hires_cam", "eigen_cam", "attention", "occlusion", "mask"]
    assert all(heatmap.shape == explanation.gray.shape for heatmap in explanation.heatmaps.values())
    assert explanation.heatmap is explanation.heatmaps["grad_cam"]
    assert explanation.mask is not None
    assert explanation.mask.any()
    assert np.array_equal(explanation.mask, explanation.heatmaps["mask"] >= 0.5)


def test_a_model_file_supports_the_methods_of_its_run(finished_run: Run, model_file: Path, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (run,), (exported,) = (explain(model, [path], "glioma", method="all") for model in (finished_run, load(model_file)))
    assert isinstance(run, Explanation)
    assert isinstance(exported, Explanation)
    assert exported.heatmaps.keys() == run.heatmaps.keys()
    assert exported.mask is None


def test_an_unsupported_method_is_an_error_before_any_image_is_read(finished_run: Run, model_file: Path) -> None:
    for model in (finished_run, load(model_file)):
        with assert_refused(
            ModelError, found="mini_resnet does not support attention", expected="one of grad_cam, .*occlusion"
        ):
            explain(model, ["does-not-exist.png"], method="attention")
        with assert_refused(ModelError, found="mini_resnet does not segment tumors"):
            explain(model, ["does-not-exist.png"], method="all", task="segmentation")


def test_an_evaluated_run_gives_calibrated_probabilities(own_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (before,) = explain(own_run, [path], "glioma")
    evaluation = evaluate(own_run, n_resamples=100)
    write_evaluation(own_run, evaluation, own_run.folder / "evaluations" / "test", Record("evaluate"))
    path_to_json = own_run.folder / "evaluations" / "test" / "evaluation.json"
    facts = json.loads(path_to_json.read_text())
    facts["calibration"]["temperature"] = 0.25
    path_to_json.write_text(json.dumps(facts))
    (after,) = explain(own_run, [path], "glioma")
    assert isinstance(before, Explanation)
    assert isinstance(after, Explanation)
    with torch.inference_mode():
        expected = own_run.pipeline(0.25)(torch.from_numpy(after.gray)[None]).probabilities[0]
    assert after.probability == pytest.approx(float(expected[own_run.spec.classes.index("glioma")]), abs=1e-6)
    assert abs(after.probability - before.probability) > 0.005


def test_the_repr_of_an_explanation_is_one_line(finished_run: Run, phantoms: Path) -> None:
    (found,) = explain(finished_run, [next((phantoms / "images").iterdir())])
    assert isinstance(found, Explanation)
    assert repr(found) == f"Explanation({found.path.name}: {found.target} {found.probability:.3f}, by grad_cam)"
