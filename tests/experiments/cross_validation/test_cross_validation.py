"""Each fold is held out once, and metrics are computed over all patients together."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.html import Page, check_footer
from tests.fixtures.plain_charts import leave_charts_out
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table, open_table
from tumorlens.errors import DataError, ResultsFolderError, RunError
from tumorlens.evaluation.analyses.ood.measure import SCALED_TO
from tumorlens.evaluation.analyses.ood.result import PooledOODResult
from tumorlens.evaluation.analyses.region_occlusion.result import RegionOcclusion
from tumorlens.evaluation.analyses.selective.result import SelectiveResult
from tumorlens.experiments.cross_validation.cross_validation_page import cross_validation_page
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, pool
from tumorlens.metrics.calibration import fit_temperature, softmax
from tumorlens.metrics.classification import measure
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import load_recipe

pytestmark = pytest.mark.usefixtures("plain_charts")
FOLDS = 3
SMALL = ("input.size=32", "epochs=1", "batch_size=4", "pretrained=none")
STEPS: list[tuple[str, int, int | None]] = []
"""What the cross-validation of these tests has reported as its progress."""


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


@pytest.fixture(scope="module")
def cross_validated(
    table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CrossValidation]:
    out = tmp_path_factory.mktemp("cross_validated") / "cv"
    recipe = load_recipe("segment", SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        leave_charts_out(patch)
        return out, cross_validate(
            table, recipe, out, folds=FOLDS, val=0.34, n_resamples=100, progress=lambda *step: STEPS.append(step)
        )


@pytest.mark.usefixtures("cross_validated")
def test_progress_counts_training_and_evaluation_of_every_fold() -> None:
    assert sum(stage == "training" and done == 0 for stage, done, _ in STEPS) == FOLDS
    assert sum(stage == "inference" and done == 0 for stage, done, _ in STEPS) == FOLDS
    assert all(done == total for done, total in {stage: (done, total) for stage, done, total in STEPS}.values())


def test_every_image_has_one_prediction_from_a_network_not_trained_on_its_patient(
    cross_validated: tuple[Path, CrossValidation], table: Table
) -> None:
    _, found = cross_validated
    assert sorted(sample.id for sample in found.pooled.samples) == sorted(sample.id for sample in table.samples)
    for fold in found.folds:
        held_out = {sample.unit for sample in fold.evaluation.samples}
        trained_on = {sample.unit for sample in fold.run.table().samples if sample.split != "test"}
        assert not held_out & trained_on


def test_metrics_are_computed_over_all_images_together(cross_validated: tuple[Path, CrossValidation]) -> None:
    _, found = cross_validated
    pooled = found.pooled
    reference = np.array([pooled.metrics.classes.index(sample.label) for sample in pooled.samples])
    accuracy = pooled.metrics.overall["accuracy"]
    assert accuracy.value == pytest.approx((pooled.probabilities.argmax(1) == reference).mean())
    assert (accuracy.n, accuracy.units, accuracy.unit) == (len(reference), 12, "patient")
    assert pooled.nll[1] == pytest.approx(-np.log(pooled.probabilities[range(len(reference)), reference]).mean())
    assert pooled.segmentation is not None
    dices = [
        case.dice
        for fold in found.folds
        if fold.evaluation.segmentation
        for case in fold.evaluation.segmentation.cases
        if case.reference is not None
    ]
    assert pooled.segmentation.overall["dice"].value == pytest.approx(np.mean(dices))
    assert pooled.segmentation.masks == len(dices)
    assert pooled.caveats[0].startswith("Every prediction is out-of-fold: it comes from the one of 3 networks")


def test_intervals_resample_the_patients_of_the_images(cross_validated: tuple[Path, CrossValidation]) -> None:
    pooled = cross_validated[1].pooled
    units = [sample.unit for sample in pooled.samples]
    # Fold after fold is not the order of the ids, in which a table keeps its samples.
    assert units != [sample.unit for sample in sorted(pooled.samples, key=lambda sample: sample.id)]
    reference = np.array([pooled.metrics.classes.index(sample.label) for sample in pooled.samples])
    bootstrap = ClusterBootstrap(units, "patient", n_resamples=100, seed=0)
    expected = measure(pooled.probabilities, reference, bootstrap, pooled.metrics.classes)
    assert pooled.metrics.to_dict() == expected.to_dict()


def test_it_writes_a_report_predictions_and_the_evaluation_of_each_fold(
    cross_validated: tuple[Path, CrossValidation],
) -> None:
    out, found = cross_validated
    data = json.loads((out / "cross_validation.json").read_text(encoding="utf-8"))
    assert [fold["fold"] for fold in data["folds"]] == [0, 1, 2]
    assert [fold["out_of_fold_temperature"] for fold in data["folds"]] == list(found.temperatures)
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
        assert f'<a href="fold-{number}/evaluations/test/report.html">fold-{number}</a>' in page
        assert (out / f"fold-{number}" / "evaluations" / "test" / "report.html").is_file()
    assert "The temperature of each fold was fitted on the images of all other folds" in page
    assert "Selective prediction" in page
    check_footer(out)


def test_the_temperature_of_a_fold_is_fitted_on_all_other_folds(cross_validated: tuple[Path, CrossValidation]) -> None:
    _, found = cross_validated
    for number, fold in enumerate(found.folds):
        others = [f.evaluation for f in found.folds if f.number != number]
        classes = found.pooled.metrics.classes
        labels = [classes.index(sample.label) for one in others for sample in one.samples]
        units = {sample.unit for one in others for sample in one.samples}
        expected = fit_temperature(np.concatenate([one.logits for one in others]), labels, len(units))
        assert found.temperatures[number] == expected
        positions = [found.pooled.samples.index(sample) for sample in fold.evaluation.samples]
        np.testing.assert_allclose(found.pooled.probabilities[positions], softmax(fold.evaluation.logits, expected))
    everything = fit_temperature(
        found.pooled.logits, [classes.index(sample.label) for sample in found.pooled.samples], 12
    )
    assert found.pooled.calibration.temperature == everything
    assert (found.pooled.calibration.images, found.pooled.calibration.units) == (len(found.pooled.samples), 12)


def test_prediction_sets_are_fitted_out_of_fold(
    cross_validated: tuple[Path, CrossValidation],
) -> None:
    _, found = cross_validated
    selective = found.pooled.analyses["selective"]
    assert isinstance(selective, SelectiveResult)
    assert sum(selective.units.values()) == 12
    last = selective.rows[-1]
    # Two patients of a class in the other folds are too few for any of these coverages: every set has all classes.
    assert last.nominal_coverage == 0.8
    assert all(share.value == 1 for share in last.empirical_coverage.values())
    assert last.size.value == len(found.pooled.metrics.classes)


def test_region_occlusion_and_ood_flags_are_pooled_over_all_folds(
    cross_validated: tuple[Path, CrossValidation],
) -> None:
    _, found = cross_validated
    occlusion, ood = (found.pooled.analyses[name] for name in ("region_occlusion", "ood"))
    folds = [fold.evaluation.analyses for fold in found.folds]
    assert isinstance(occlusion, RegionOcclusion)
    for position, test in enumerate(occlusion.tests):
        each = [analyses["region_occlusion"].tests[position].occluded.overall["accuracy"] for analyses in folds]
        correct = sum(round(accuracy.value * accuracy.n) for accuracy in each)
        accuracy = test.occluded.overall["accuracy"]
        assert accuracy.value * accuracy.n == pytest.approx(correct)
        assert accuracy.n == sum(one.n for one in each)
    assert isinstance(ood, PooledOODResult)
    scores = [score for analyses in folds for score in analyses["ood"].scores]
    assert ood.flagged.value == pytest.approx(np.mean([score > 1 for score in scores]))
    assert ood.threshold_scale == pytest.approx(np.quantile(scores, SCALED_TO))


def test_finished_folds_are_not_trained_again(cross_validated: tuple[Path, CrossValidation], table: Table) -> None:
    out, found = cross_validated
    (out / "cross_validation.json").unlink()
    before = [(out / f"fold-{i}" / "weights.safetensors").stat().st_mtime_ns for i in range(FOLDS)]
    recipe = load_recipe("segment", SMALL)
    with assert_refused(ResultsFolderError, file="fold-0$", found="a run was started"):
        cross_validate(table, recipe, out, folds=FOLDS, val=0.34)
    without = {"region_occlusion": False}
    again = cross_validate(table, recipe, out, folds=FOLDS, val=0.34, resume=True, analyses=without, n_resamples=100)
    assert [(out / f"fold-{i}" / "weights.safetensors").stat().st_mtime_ns for i in range(FOLDS)] == before
    np.testing.assert_array_equal(again.pooled.probabilities, found.pooled.probabilities)
    assert (out / "cross_validation.json").is_file()
    with assert_refused(RunError, found="holds no fold, so there is nothing to resume"):
        cross_validate(table, recipe, out / "other", resume=True, folds=FOLDS, val=0.34)


def test_one_fold_twice_is_an_error(cross_validated: tuple[Path, CrossValidation]) -> None:
    first = cross_validated[1].folds[0]
    with assert_refused(DataError, found="is in the test subset of two folds"):
        pool([first, first])


def test_the_repr_is_one_line_with_folds_and_pooled_accuracy(cross_validated: tuple[Path, CrossValidation]) -> None:
    _, found = cross_validated
    assert repr(found) == f"CrossValidation({FOLDS} folds, pooled {found.pooled!r})"
    assert "\n" not in repr(found)


def test_folds_of_different_classes_are_refused(cross_validated: tuple[Path, CrossValidation]) -> None:
    first, second, _ = cross_validated[1].folds
    metrics = replace(second.evaluation.metrics, classes=("glioma", "no_tumor"))
    other = replace(second, evaluation=replace(second.evaluation, metrics=metrics))
    with assert_refused(
        DataError, found=r"\['glioma', 'meningioma', .*\] and \['glioma', 'no_tumor'\]", expected="folds of one table"
    ):
        pool([first, other])


def test_the_page_of_folds_without_validation_names_no_validation_metric(
    cross_validated: tuple[Path, CrossValidation],
) -> None:
    found = cross_validated[1]
    assert "validation accuracy" in Page(cross_validation_page(found)).text
    runs = [replace(fold.run, record=fold.run.record.model_copy(update={"validation": {}})) for fold in found.folds]
    without = replace(found, folds=tuple(replace(fold, run=run) for fold, run in zip(found.folds, runs, strict=True)))
    text = Page(cross_validation_page(without)).text
    assert "The report of each fold" in text
    assert "validation accuracy" not in text
    assert "Over all folds" not in text


def test_without_masks_the_page_has_no_segmentation_and_no_dice(
    cross_validated: tuple[Path, CrossValidation],
) -> None:
    found = cross_validated[1]
    assert "Dice" in Page(cross_validation_page(found)).text
    kept = {"val_accuracy": 0.5}
    folds = tuple(
        replace(
            fold,
            run=replace(fold.run, record=fold.run.record.model_copy(update={"validation": kept})),
            evaluation=replace(fold.evaluation, segmentation=None),
        )
        for fold in found.folds
    )
    without = replace(found, folds=folds, pooled=replace(found.pooled, segmentation=None))
    text = Page(cross_validation_page(without)).text
    assert "Over all folds: validation accuracy 50.0 %, with" in text
    assert "Dice" not in text
