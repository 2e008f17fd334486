"""A run or a bundle explains images, and one bad file does not stop the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tumorlens._record import Record
from tumorlens.deploy.predictor import load
from tumorlens.errors import ModelError, ScanError
from tumorlens.evaluation import evaluate, write_evaluation
from tumorlens.explanation import Explanation, explain
from tumorlens.training import Run


def test_a_bad_file_among_good_ones_gives_its_error_in_its_place(
    finished_run: Run, phantoms: Path, tmp_path: Path
) -> None:
    good = sorted((phantoms / "images").iterdir())[:2]
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    first, error, last = explain(finished_run, [good[0], bad, good[1]])
    assert isinstance(error, ScanError)
    assert str(bad) in str(error)
    assert isinstance(first, Explanation)
    assert isinstance(last, Explanation)
    assert (first.path, last.path) == tuple(good)


def test_a_heat_map_lies_on_its_image(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (found,) = explain(finished_run, [str(path)])
    assert isinstance(found, Explanation)
    assert found.heatmap.shape == found.gray.shape == (64, 64)
    assert found.heatmap.dtype == np.float32
    assert 0 <= found.heatmap.min() <= found.heatmap.max() <= 1
    assert found.target in finished_run.spec.classes


def test_any_class_can_be_asked_for(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    shares = [
        item.probability
        for name in finished_run.spec.classes
        for item in explain(finished_run, [path], name)
        if isinstance(item, Explanation) and item.target == name
    ]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_an_unknown_class_is_an_error_before_anything_is_read(finished_run: Run) -> None:
    with pytest.raises(ModelError, match=r"'gloma' asked for.*glioma"):
        explain(finished_run, ["does-not-exist.png"], "gloma")


def test_a_network_that_also_segments_is_explained_like_any_other(segmentation_run: Run, phantoms: Path) -> None:
    (found,) = explain(segmentation_run, [next((phantoms / "images").iterdir())])
    assert isinstance(found, Explanation)
    assert found.heatmap.shape == found.gray.shape
    assert found.heatmap.max() > 0


def test_all_that_a_network_can_give_comes_at_once(segmentation_run: Run, phantoms: Path) -> None:
    (found,) = explain(segmentation_run, [next((phantoms / "images").iterdir())], method="all", of="mask")
    assert isinstance(found, Explanation)
    assert list(found.heatmaps) == ["grad_cam", "hires_cam", "eigen_cam", "attention", "occlusion", "mask"]
    assert all(chart.shape == found.gray.shape for chart in found.heatmaps.values())
    assert found.heatmap is found.heatmaps["grad_cam"]
    assert found.mask is not None
    assert found.mask.any()
    assert np.array_equal(found.mask, found.heatmaps["mask"] >= 0.5)


def test_a_bundle_is_explained_as_its_run_is(finished_run: Run, model_file: Path, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (run,), (exported,) = (explain(model, [path], "glioma", method="all") for model in (finished_run, load(model_file)))
    assert isinstance(run, Explanation)
    assert isinstance(exported, Explanation)
    assert exported.heatmaps.keys() == run.heatmaps.keys()
    assert exported.mask is None


def test_what_a_model_cannot_give_is_an_error_before_anything_is_read(finished_run: Run, model_file: Path) -> None:
    for model in (finished_run, load(model_file)):
        with pytest.raises(ModelError, match=r"mini_resnet gives no map by attention; it gives grad_cam, .*occlusion"):
            explain(model, ["does-not-exist.png"], method="attention")
        with pytest.raises(ModelError, match="mini_resnet draws no tumor"):
            explain(model, ["does-not-exist.png"], method="all", of="mask")


def test_an_evaluated_run_gives_calibrated_probabilities(own_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (before,) = explain(own_run, [path], "glioma")
    found = evaluate(own_run, n_resamples=100)
    write_evaluation(own_run, found, own_run.folder / "evaluations" / "test", Record("evaluate"))
    edited = own_run.folder / "evaluations" / "test" / "evaluation.json"
    facts = json.loads(edited.read_text())
    facts["calibration"]["temperature"] = 0.25
    edited.write_text(json.dumps(facts))
    (after,) = explain(own_run, [path], "glioma")
    assert isinstance(before, Explanation)
    assert isinstance(after, Explanation)
    with torch.inference_mode():
        wanted = own_run.pipeline(0.25)(torch.from_numpy(after.gray)[None]).probabilities[0]
    assert after.probability == pytest.approx(float(wanted[own_run.spec.classes.index("glioma")]), abs=1e-6)
    assert abs(after.probability - before.probability) > 0.005
