"""The card of a run that was trained on all data reports the metrics of a cross-validation of the same recipe."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from tests.conftest import beside_tests, build_once
from tests.fixtures.known_graph import use_graph
from tests.fixtures.plain_charts import leave_charts_out
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import split_whole
from tumorlens.cli import main
from tumorlens.datasets import Table, open_table
from tumorlens.deploy.export import export
from tumorlens.deploy.predictor import load
from tumorlens.errors import RunError
from tumorlens.evaluation import gray_slice, thresholds_of
from tumorlens.evaluation.analyses.ood.result import PooledOODResult
from tumorlens.experiments.cross_validation.cross_validation_files import CROSS_VALIDATION
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
from tumorlens.model_card.card_sections import ModelFile, card_page
from tumorlens.training import Run, load_recipe, load_run, train

SMALL = ("input.size=32", "epochs=1", "batch_size=4")
Trained = tuple[Run, Path, CrossValidation]


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


@pytest.fixture(scope="module")
def trained(table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run trained on all data, and a cross-validation with its folder; made once for all workers."""

    def build(place: Path) -> None:
        place.mkdir()
        recipe, quick = load_recipe("demo", SMALL), {"region_occlusion": False}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TUMORLENS_CACHE", str(shared_cache))
            leave_charts_out(patch)
            result = cross_validate(table, recipe, place / "cv", folds=3, val=0.34, n_resamples=100, analyses=quick)
            train(split_whole(table, val=0.25), recipe, place / "last")
        (place / "result.pickle").write_bytes(pickle.dumps(result))

    place = build_once(tmp_path_factory, beside_tests("trained"), build)
    return load_run(place / "last"), place / "cv", pickle.loads((place / "result.pickle").read_bytes())


@pytest.fixture(scope="module")
def exported(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run as a model file, with the metrics of the cross-validation in its card."""

    def build(path: Path) -> None:
        path.mkdir()
        export(trained[0], path / "last.onnx", cross_validation=trained[1])

    return build_once(tmp_path_factory, beside_tests("trained-model"), build) / "last.onnx"


def ood_of(cross_validation: CrossValidation) -> PooledOODResult:
    result = cross_validation.pooled.analyses["ood"]
    assert isinstance(result, PooledOODResult)
    return result


def test_the_card_reports_the_held_out_images_of_all_folds(trained: Trained, exported: Path) -> None:
    _, _, result = trained
    card = load(exported).card
    assert card.folds == 3
    assert card.metrics["accuracy"].model_dump() == result.pooled.metrics.overall["accuracy"].to_dict()
    assert card.temperature == pytest.approx(result.pooled.calibration.temperature)
    assert card.prediction_sets == result.prediction_sets
    ood = ood_of(result)
    assert card.ood is not None
    assert card.ood.flagged is not None
    assert card.ood.flagged.model_dump() == ood.flagged_beyond.to_dict()
    assert card.ood.threshold_scale == ood.threshold_scale
    assert "3 folds, each predicted by a network of this recipe that was trained without it" in card.tested_on
    assert card.caveats == result.pooled.caveats
    sections = card_page(card, ModelFile.of(exported))
    text = " ".join(cell for section in sections for row in section.rows for cell in row)
    assert "24 held-out images of 3 folds" in text
    assert "no test subset, 25 % for validation" in text
    assert "quantiles from the held-out images of 3 folds" in text
    assert f"and scaled by {ood.threshold_scale:.3f}, fitted on the folds" in text


def test_the_folds_scale_the_ood_threshold(trained: Trained, exported: Path) -> None:
    run, _, result = trained
    image = run.table().samples[0].image
    alone = thresholds_of(run, run.table()).ood
    assert alone is not None
    with torch.inference_mode():
        expected = run.pipeline(1.0, alone.subspace)(torch.from_numpy(gray_slice(image).copy())[None]).ood_score
    scaled = load(exported).predict(image).ood_score
    assert abs(ood_of(result).threshold_scale - 1) > 0.01  # else nothing would be scaled
    assert scaled == pytest.approx(float(expected[0]) / ood_of(result).threshold_scale, rel=1e-3)


def test_a_cross_validation_of_another_recipe_or_other_data_is_refused(
    trained: Trained, table: Table, tmp_path: Path
) -> None:
    run, folder, _ = trained
    out = tmp_path / "model.onnx"
    with assert_refused(RunError, file=f"{CROSS_VALIDATION}$", found="no such file", expected="tumorlens train"):
        export(run, out, cross_validation=tmp_path)
    content = json.loads((folder / CROSS_VALIDATION).read_text())
    content["recipe_settings"]["optimizer"]["lr"] = 0.5
    (tmp_path / CROSS_VALIDATION).write_text(json.dumps(content))
    with assert_refused(
        RunError, found="another recipe: optimizer.lr is 0.5, and 0.004 in", expected="the same recipe"
    ):
        export(run, out, cross_validation=tmp_path)
    for damaged in ("{", "[]", "{}"):
        (tmp_path / CROSS_VALIDATION).write_text(damaged)
        with assert_refused(RunError, file=f"{CROSS_VALIDATION}$", found="damaged, or of an older version"):
            export(run, out, cross_validation=tmp_path)
    fewer = split_whole(table.filter(lambda sample: sample != table.samples[0]), val=0.25)
    other = train(fewer, load_recipe("demo", SMALL), tmp_path / "other")
    with assert_refused(RunError, found="on other data than that of"):
        export(other, out, cross_validation=folder)
    assert not out.exists()


def test_folds_may_be_trained_in_another_precision_and_the_card_reports_the_precision_of_its_run(
    trained: Trained, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder, _ = trained
    use_graph(monkeypatch, exported)
    content = json.loads((folder / CROSS_VALIDATION).read_text())
    content["recipe_settings"]["precision"] = "bf16"
    (tmp_path / CROSS_VALIDATION).write_text(json.dumps(content))
    card = export(run, tmp_path / "model.onnx", cross_validation=tmp_path)
    assert card.metrics["accuracy"].value == content["overall"]["accuracy"]["value"]
    assert card.training.settings["precision"] == run.record.precision == "float32"


def test_the_commands_train_on_all_data_and_export_with_the_cross_validation(
    trained: Trained,
    exported: Path,
    phantoms: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    use_graph(monkeypatch, exported)  # of a run with the same recipe, data and seed, so with the same weights
    changes = [word for change in SMALL for word in ("--set", change)]
    common = ["train", str(phantoms), "--recipe", "demo", "--val", "0.25", *changes, "--out-dir", str(run)]
    assert main([*common, "--fold", "none"]) == 0
    assert f"next: tumorlens export {run}" in capsys.readouterr().err
    counts = json.loads((run / "run.json").read_text())["counts"]
    assert counts.keys() == {"train", "val"}
    assert sum(part["patients"] for part in counts.values()) == 12
    assert main(["export", str(run), "--cross-validation", str(trained[1]), "--half", "--weights"]) == 0
    assert (run / "model.safetensors").is_file()
    assert json.loads((run / "model.run.json").read_text())["outputs"] == ["model.onnx", "model.safetensors"]
    assert main([*common, "--fold", "none", "--keep-split"]) == 2
