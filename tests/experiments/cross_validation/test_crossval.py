"""Each fold is held out once, and figures are computed over all patients at once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tumorlens.cli import main
from tumorlens.datasets import Table, open_table, write_table
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation.analyses.ood import SCALED_TO
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, pool
from tumorlens.metrics.calibration import fit_temperature, softmax
from tumorlens.metrics.classification import measure
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import load_recipe

FOLDS = 3
SMALL = ("input.size=32", "epochs=1", "batch_size=4", "pretrained=none")


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


@pytest.fixture(scope="module")
def crossed(table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrossValidation]:
    out = tmp_path_factory.mktemp("crossed") / "cv"
    recipe = load_recipe("segment", SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        return out, cross_validate(table, recipe, out, folds=FOLDS, val=0.34, n_resamples=100)


def test_every_image_is_answered_once_by_a_network_that_had_not_seen_its_patient(
    crossed: tuple[Path, CrossValidation], table: Table
) -> None:
    _, found = crossed
    assert sorted(sample.id for sample in found.pooled.samples) == sorted(sample.id for sample in table.samples)
    for fold in found.folds:
        mine = {sample.unit for sample in fold.evaluation.samples}
        learned = {sample.unit for sample in fold.run.table().samples if sample.split != "test"}
        assert not mine & learned


def test_figures_are_of_all_images_at_once(crossed: tuple[Path, CrossValidation]) -> None:
    _, found = crossed
    pooled = found.pooled
    truth = np.array([pooled.metrics.classes.index(sample.label) for sample in pooled.samples])
    accuracy = pooled.metrics.overall["accuracy"]
    assert accuracy.value == pytest.approx((pooled.probabilities.argmax(1) == truth).mean())
    assert (accuracy.n, accuracy.units, accuracy.unit) == (len(truth), 12, "patient")
    assert pooled.nll[1] == pytest.approx(-np.log(pooled.probabilities[range(len(truth)), truth]).mean())
    assert pooled.segmentation is not None
    dices = [
        drawing.dice
        for fold in found.folds
        if fold.evaluation.segmentation
        for drawing in fold.evaluation.segmentation.drawings
        if drawing.true is not None
    ]
    assert pooled.segmentation.overall["dice"].value == pytest.approx(np.mean(dices))
    assert pooled.segmentation.masks == len(dices)
    assert pooled.caveats[0].startswith("Each image was answered by that one of 3 networks which had not seen")


def test_intervals_are_over_the_patients_of_the_very_images(crossed: tuple[Path, CrossValidation]) -> None:
    pooled = crossed[1].pooled
    units = [sample.unit for sample in pooled.samples]
    # Fold after fold is not the order of the ids, in which a table keeps its samples.
    assert units != [sample.unit for sample in sorted(pooled.samples, key=lambda sample: sample.id)]
    truth = np.array([pooled.metrics.classes.index(sample.label) for sample in pooled.samples])
    bootstrap = ClusterBootstrap(units, "patient", n_resamples=100, seed=0)
    wanted = measure(pooled.probabilities, truth, bootstrap, pooled.metrics.classes)
    assert pooled.metrics.to_dict() == wanted.to_dict()


def test_it_leaves_a_report_a_row_for_each_image_and_a_whole_evaluation_of_each_fold(
    crossed: tuple[Path, CrossValidation],
) -> None:
    out, found = crossed
    data = json.loads((out / "crossval.json").read_text(encoding="utf-8"))
    assert [fold["fold"] for fold in data["folds"]] == [0, 1, 2]
    assert [fold["temperature_from_others"] for fold in data["folds"]] == list(found.temperatures)
    assert len({fold["split_hash"] for fold in data["folds"]}) == FOLDS
    images = [fold.run.record.counts["val"].images for fold in found.folds]
    accuracies = [fold["validation"]["val_accuracy"] for fold in data["folds"]]
    assert data["validation"]["val_accuracy"] == pytest.approx(np.average(accuracies, weights=images))
    assert data["split"]["fold"] is None
    assert data["overall"]["accuracy"]["n"] == len(found.pooled.samples)
    with (out / "predictions.csv").open(newline="") as stream:
        assert {row["id"] for row in csv.DictReader(stream)} == {sample.id for sample in found.pooled.samples}
    page = (out / "report.html").read_text(encoding="utf-8")
    for number in range(FOLDS):
        assert f"fold-{number}/evaluation/report.html" in page
        assert (out / f"fold-{number}" / "evaluations" / "test" / "report.html").is_file()
    assert "The temperature of each fold was fitted on the images of all others" in page
    assert "Which images it does not answer" in page


def test_the_temperature_of_a_fold_is_that_of_all_others(crossed: tuple[Path, CrossValidation]) -> None:
    _, found = crossed
    for number, fold in enumerate(found.folds):
        others = [f.evaluation for f in found.folds if f.number != number]
        classes = found.pooled.metrics.classes
        labels = [classes.index(sample.label) for one in others for sample in one.samples]
        units = {sample.unit for one in others for sample in one.samples}
        expected = fit_temperature(np.concatenate([one.logits for one in others]), labels, len(units))
        assert found.temperatures[number] == expected
        mine = [found.pooled.samples.index(sample) for sample in fold.evaluation.samples]
        np.testing.assert_allclose(found.pooled.probabilities[mine], softmax(fold.evaluation.logits, expected))
    everything = fit_temperature(
        found.pooled.logits, [classes.index(sample.label) for sample in found.pooled.samples], 12
    )
    assert found.pooled.calibration.temperature == everything
    assert (found.pooled.calibration.fitted_on, found.pooled.calibration.units) == (len(found.pooled.samples), 12)


def test_candidates_are_learned_from_all_patients_and_measured_on_folds_that_had_no_say(
    crossed: tuple[Path, CrossValidation],
) -> None:
    _, found = crossed
    abstention = found.pooled.abstention
    assert abstention is not None
    assert sum(abstention.units.values()) == 12
    last = abstention.rows[-1]
    # Two patients of a class among the others are too few for any of these errors: every class stays possible.
    assert last.error == 0.2
    assert all(share.value == 1 for share in last.coverage.values())
    assert last.size.value == len(found.pooled.metrics.classes)


def test_blanked_images_and_flags_are_counted_over_all_folds(crossed: tuple[Path, CrossValidation]) -> None:
    _, found = crossed
    assert found.pooled.background is not None
    for position, test in enumerate(found.pooled.background.tests):
        each = [fold.evaluation.background.tests[position] for fold in found.folds if fold.evaluation.background]
        right = sum(round(one.blanked.overall["accuracy"].value * one.blanked.overall["accuracy"].n) for one in each)
        accuracy = test.blanked.overall["accuracy"]
        assert accuracy.value * accuracy.n == pytest.approx(right)
        assert accuracy.n == sum(one.blanked.overall["accuracy"].n for one in each)
    assert found.ood is not None
    scores = [score for fold in found.folds if fold.evaluation.ood for score in fold.evaluation.ood.scores]
    assert found.ood.flagged.value == pytest.approx(np.mean([score > 1 for score in scores]))
    assert found.ood.threshold_scale == pytest.approx(np.quantile(scores, SCALED_TO))


def test_what_is_finished_is_not_trained_again(crossed: tuple[Path, CrossValidation], table: Table) -> None:
    out, found = crossed
    (out / "crossval.json").unlink()
    before = [(out / f"fold-{i}" / "weights.safetensors").stat().st_mtime_ns for i in range(FOLDS)]
    recipe = load_recipe("segment", SMALL)
    with pytest.raises(RunError, match="fold-0: holds a run already"):
        cross_validate(table, recipe, out, folds=FOLDS, val=0.34)
    again = cross_validate(table, recipe, out, folds=FOLDS, val=0.34, resume=True, background=False, n_resamples=100)
    assert [(out / f"fold-{i}" / "weights.safetensors").stat().st_mtime_ns for i in range(FOLDS)] == before
    np.testing.assert_array_equal(again.pooled.probabilities, found.pooled.probabilities)
    assert (out / "crossval.json").is_file()
    with pytest.raises(RunError, match="holds no fold, so there is nothing to resume"):
        cross_validate(table, recipe, out / "elsewhere", resume=True, folds=FOLDS, val=0.34)


def test_one_fold_twice_is_no_cross_validation(crossed: tuple[Path, CrossValidation]) -> None:
    first = crossed[1].folds[0]
    with pytest.raises(DataError, match="is in the test part of two folds"):
        pool([first, first])


def test_the_command_prints_folds_and_the_figures_over_them(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "cv"
    changes = [word for change in ("model=mini_resnet", *SMALL) for word in ("--set", change)]
    common = ["train", str(phantoms), "--recipe", "demo", "--fold", "all", "--folds", "3", "--val", "0.34"]
    assert main([*common, *changes, "--out-dir", str(out)]) == 0
    printed = capsys.readouterr()
    assert "all folds" in " ".join(printed.out.lower().split())
    assert (out / "fold-1" / "run.json").is_file()
    assert str(out / "report.html") in printed.err + printed.out


def test_folds_that_cannot_be_made_are_refused(
    phantoms: Path, phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out-dir", str(tmp_path / "cv")]
    assert main(["train", str(phantoms), "--fold", "all", "--keep-split", *out]) == 2
    assert main(["train", str(phantoms), "--fold", "each", *out]) == 2
    assert "expected a number from 0, all, or none" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    write_table(phantom_table, tmp_path / "split.csv")
    assert main(["train", str(tmp_path / "split.csv"), "--fold", "all", *out]) == 1
    assert "has a split; --fold all makes its own" in capsys.readouterr().err
