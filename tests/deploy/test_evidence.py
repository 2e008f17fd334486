"""A run that was trained on everything takes its figures from networks of the same recipe that had not seen them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tumorlens.auditing import split_whole
from tumorlens.cli import main
from tumorlens.datasets import Table, open_table
from tumorlens.deploy.export import export
from tumorlens.deploy.predictor import load
from tumorlens.errors import RunError
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
from tumorlens.model_card.card_sections import ModelFile, card_page
from tumorlens.training import Run, load_recipe, train

SMALL = ("input.size=32", "epochs=1", "batch_size=4")


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


@pytest.fixture(scope="module")
def trained(
    table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, Path, CrossValidation]:
    place, recipe = tmp_path_factory.mktemp("trained"), load_recipe("demo", SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        found = cross_validate(table, recipe, place / "cv", folds=3, val=0.34, n_resamples=100, background=False)
        return train(split_whole(table, val=0.25), recipe, place / "last"), place / "cv", found


def test_the_card_holds_what_was_held_out(trained: tuple[Run, Path, CrossValidation], tmp_path: Path) -> None:
    run, folder, found = trained
    card = export(run, tmp_path / "last.onnx", crossval=folder)
    assert card.folds == 3
    assert card.metrics["accuracy"] == found.pooled.metrics.overall["accuracy"].to_dict()
    assert card.temperature == pytest.approx(found.pooled.calibration.temperature)
    assert found.pooled.abstention is not None
    assert card.prediction_sets == found.pooled.abstention.candidates
    assert card.ood is not None
    assert found.ood is not None
    assert card.ood.flagged == found.ood.flagged_beyond.to_dict()
    assert card.ood.threshold_scale == found.ood.threshold_scale
    assert "3 folds, each measured on a network of this recipe that was trained without it" in card.tested_on
    assert card.caveats[0].startswith("Each image was answered by that one of 3 networks")
    assert load(tmp_path / "last.onnx").card == card
    sections = card_page(card, ModelFile.of(tmp_path / "last.onnx"))
    said = " ".join(cell for section in sections for row in section.rows for cell in row)
    assert "24 images held out in 3 folds" in said
    assert "nothing held out as test, 25 % for validation" in said
    assert "thresholds from 3 folds held out" in said
    assert f"and multiplied by {found.ood.threshold_scale:.3f}, as the folds held out ask for" in said


def test_the_limit_of_a_run_is_where_the_folds_put_it(
    trained: tuple[Run, Path, CrossValidation], tmp_path: Path
) -> None:
    run, folder, found = trained
    export(run, tmp_path / "alone.onnx")
    export(run, tmp_path / "across.onnx", crossval=folder)
    image = run.table().samples[0].image
    alone, across = (load(tmp_path / f"{name}.onnx").predict(image).ood_score for name in ("alone", "across"))
    assert found.ood is not None
    assert alone is not None
    assert across == pytest.approx(alone / found.ood.threshold_scale, rel=1e-3)


def test_figures_of_another_recipe_or_other_data_are_refused(
    trained: tuple[Run, Path, CrossValidation], table: Table, tmp_path: Path
) -> None:
    run, folder, _ = trained
    with pytest.raises(
        RunError, match=r"crossval.json: no such file; expected what 'tumorlens train --fold all' leaves"
    ):
        export(run, tmp_path / "model.onnx", crossval=tmp_path)
    found = json.loads((folder / "crossval.json").read_text())
    found["recipe_settings"]["optimizer"]["lr"] = 0.5
    (tmp_path / "crossval.json").write_text(json.dumps(found))
    with pytest.raises(RunError, match=r"another recipe: optimizer.lr is 0.5, and 0.004 in"):
        export(run, tmp_path / "model.onnx", crossval=tmp_path)
    for damaged in ("{", "[]", "{}"):
        (tmp_path / "crossval.json").write_text(damaged)
        with pytest.raises(RunError, match=r"crossval.json: damaged, or of an older version"):
            export(run, tmp_path / "model.onnx", crossval=tmp_path)
    fewer = split_whole(table.where(lambda sample: sample != table.samples[0]), val=0.25)
    other = train(fewer, load_recipe("demo", SMALL), tmp_path / "other")
    with pytest.raises(RunError, match="on other data than that of"):
        export(other, tmp_path / "model.onnx", crossval=folder)
    assert not (tmp_path / "model.onnx").exists()


def test_figures_of_folds_trained_in_another_precision_are_taken_and_the_card_says_its_own(
    trained: tuple[Run, Path, CrossValidation], tmp_path: Path
) -> None:
    run, folder, _ = trained
    found = json.loads((folder / "crossval.json").read_text())
    found["recipe_settings"]["precision"] = "bf16"
    (tmp_path / "crossval.json").write_text(json.dumps(found))
    card = export(run, tmp_path / "model.onnx", crossval=tmp_path)
    assert card.metrics["accuracy"]["value"] == found["overall"]["accuracy"]["value"]
    assert card.training["settings"]["precision"] == run.record.precision == "float32"


def test_the_commands_train_on_all_and_export_with_what_was_held_out(
    trained: tuple[Run, Path, CrossValidation], phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    changes = [word for change in SMALL for word in ("--set", change)]
    common = ["train", str(phantoms), "--recipe", "demo", "--val", "0.25", *changes, "--out", str(run)]
    assert main([*common, "--fold", "none"]) == 0
    assert f"next: tumorlens export {run}" in capsys.readouterr().err
    counts = json.loads((run / "run.json").read_text())["counts"]
    assert counts.keys() == {"train", "val"}
    assert sum(part["patients"] for part in counts.values()) == 12
    assert main(["export", str(run), "--crossval", str(trained[1]), "--half", "--weights"]) == 0
    assert (run / "model.safetensors").is_file()
    assert json.loads((run / "model.run.json").read_text())["outputs"] == ["model.onnx", "model.safetensors"]
    assert main([*common, "--fold", "none", "--given"]) == 2
