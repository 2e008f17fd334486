"""A model file flags out-of-distribution images, and gives conformal prediction sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch

from tests.fixtures import scans
from tests.fixtures.known_graph import use_graph
from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.export import export
from tumorlens.deploy.parity import random_images
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import Predictor, load
from tumorlens.errors import DataError, ModelFileError
from tumorlens.evaluation import gray_slice, thresholds_of
from tumorlens.model_card.card import KEY
from tumorlens.stats.conformal import NonconformityQuantiles, PredictionSets
from tumorlens.training import Run, load_run


def older(model_file: Path, path: Path) -> Path:
    """The model file as older versions wrote it: without OOD score and prediction sets."""
    model = onnx.load(model_file)
    (entry,) = [entry for entry in model.metadata_props if entry.key == KEY]
    card = json.loads(entry.value)
    for name in ("ood", "prediction_sets"):
        card.pop(name)
    card["parity"].pop("largest_ood_difference")
    entry.value = json.dumps(card)
    kept = [output for output in model.graph.output if output.name != "ood_score"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    onnx.save(model, path)
    return path


def with_threshold(model_file: Path, threshold: float) -> Predictor:
    """A predictor with the same threshold for every class at a coverage of 0.9."""
    predictor = load(model_file)
    quantiles = {name: NonconformityQuantiles(9, (threshold,), (0.1,)) for name in predictor.classes}
    predictor.card = predictor.card.model_copy(update={"prediction_sets": PredictionSets(quantiles, "patient")})
    return predictor


@pytest.mark.parametrize("image", random_images(seed=5), ids=lambda p: f"{p.shape[0]}x{p.shape[1]}")
def test_the_ood_score_is_the_one_of_the_network(model_file: Path, finished_run: Run, image: np.ndarray) -> None:
    thresholds = thresholds_of(finished_run, finished_run.table())
    assert thresholds.ood is not None
    pipeline = finished_run.pipeline(1.0, thresholds.ood.subspace)
    with torch.inference_mode():
        expected = float(pipeline(torch.from_numpy(image)[None]).ood_score[0])
    prediction = load(model_file).predict(image)
    assert prediction.ood_score == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert prediction.ood == (expected > 1)


def test_validation_images_are_in_distribution(model_file: Path, finished_run: Run) -> None:
    paths = [sample.image for sample in finished_run.table().samples if sample.split == "val"]
    predictions = [load(model_file).predict(path) for path in paths]
    assert not any(prediction.ood for prediction in predictions)
    assert not any(prediction.abstains for prediction in predictions)
    assert {prediction.abstention_reason for prediction in predictions} == {""}


@pytest.mark.parametrize("gray", [0, 77, 255])
def test_an_empty_slice_is_flagged_even_by_an_older_model_file(model_file: Path, tmp_path: Path, gray: int) -> None:
    empty = np.full((40, 50), gray, np.uint8)
    old = older(model_file, tmp_path / "old.onnx")
    for path in (model_file, old):
        prediction = load(path).predict(empty)
        assert prediction.ood is True
        assert prediction.abstains
        assert prediction.abstention_reason.startswith("out of distribution: unlike the training images")
    assert load(old).predict(scans.GRAY).ood is None
    assert load(old).predict(scans.GRAY).ood_score is None


def test_the_card_reports_the_fit_of_the_ood_score(model_file: Path, evaluated_model_file: Path) -> None:
    card = load(model_file).card
    assert card.ood is not None
    assert (card.ood.fitted_on_images, card.ood.validation_units) == (8, 4)
    assert card.ood.flagged is None
    assert card.parity.largest_ood_difference is not None
    assert card.parity.largest_ood_difference <= 1e-3
    evaluated = load(evaluated_model_file).card.ood
    assert evaluated is not None
    assert evaluated.flagged is not None
    assert (evaluated.flagged.n, evaluated.flagged.units) == (8, 4)


def test_the_quantiles_add_little_to_the_file(model_file: Path) -> None:
    model = onnx.load(model_file)
    (card,) = [entry.value for entry in model.metadata_props if entry.key == KEY]
    assert len(json.dumps(json.loads(card)["prediction_sets"])) < 4000


def test_a_run_without_a_validation_subset_gives_no_ood_score_and_no_prediction_sets(
    own_run: Run, model_file: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = use_graph(monkeypatch, older(model_file, tmp_path / "old.onnx"))  # the graph without the OOD score
    program.model.graph.initializers["pipeline.temperature"].const_value = ir.tensor(np.float32(1))
    split = own_run.folder / "split.csv"
    rows = split.read_text().replace(",val", ",train").splitlines(keepends=True)
    split.write_text("".join(rows[1:]))  # without the line with the split plan
    run = load_run(own_run.folder)
    card = export(run, run.folder / "model.onnx")
    assert card.ood is None
    assert card.prediction_sets is None
    prediction = load(run.folder / "model.onnx").predict(next((phantoms / "images").iterdir()))
    assert prediction.ood_score is None
    assert not prediction.abstains


def test_the_prediction_set_contains_the_classes_above_the_threshold(model_file: Path, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    plain = load(model_file).predict(path)
    assert plain.prediction_set is None
    ordered = sorted(plain.probabilities, key=lambda name: -plain.probabilities[name])
    temperature = load(model_file).card.temperature
    raised = {name: p**temperature for name, p in plain.probabilities.items()}
    second = raised[ordered[1]] / sum(raised.values())
    two = with_threshold(model_file, 1 - second + 1e-4).predict(path, coverage=0.9)
    assert set(two.prediction_set or ()) == set(ordered[:2])
    assert two.abstention_reason in (
        f"uncertain: {ordered[0]} or {ordered[1]}",
        f"uncertain: {ordered[1]} or {ordered[0]}",
    )
    one = with_threshold(model_file, 1 - second - 1e-4).predict(path, coverage=0.9)
    assert (one.prediction_set, one.abstains) == ((ordered[0],), False)
    none = with_threshold(model_file, 0.0).predict(path, coverage=0.9)
    assert (none.prediction_set, none.abstains) == ((), True)
    assert none.abstention_reason == "uncertain: the prediction set is empty"
    assert none.label == plain.label


def test_a_coverage_that_needs_more_patients_puts_every_class_into_the_set(model_file: Path, phantoms: Path) -> None:
    predictor = load(model_file)
    warning = predictor.check_coverage(0.95)
    assert warning is not None
    assert "glioma" in warning
    prediction = predictor.predict(next((phantoms / "images").iterdir()), coverage=0.95)
    assert prediction.prediction_set == predictor.classes
    assert prediction.abstains


def test_an_impossible_coverage_is_refused_before_an_image_is_read(model_file: Path, tmp_path: Path) -> None:
    old = load(older(model_file, tmp_path / "old.onnx"))
    with assert_refused(ModelFileError, file=r"old\.onnx$", found="no quantiles", advice="export the run again"):
        old.predict("no-such-file.png", coverage=0.9)
    with assert_refused(DataError, found="coverage"):
        load(model_file).predict("no-such-file.png", coverage=2)


def test_plain_data_contains_score_and_prediction_set(model_file: Path, finished_run: Run) -> None:
    path = next(sample.image for sample in finished_run.table().samples if sample.split == "val")
    data = load(model_file).predict(gray_slice(path), coverage=0.95).to_dict()
    assert data["ood"] is False
    assert 0 < data["ood_score"] < 1
    assert data["prediction_set"] == list(load(model_file).classes)
    assert data["abstains"] is True


def test_out_of_distribution_takes_precedence_over_uncertain(model_file: Path) -> None:
    prediction = load(model_file).predict(np.zeros((9, 9), np.uint8), coverage=0.95)
    assert isinstance(prediction, Prediction)
    assert prediction.abstention_reason.startswith("out of distribution")
    assert replace(prediction, ood=False).abstention_reason.startswith("uncertain: glioma or")
