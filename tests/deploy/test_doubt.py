"""A bundle says which images are outside of what it is for, and which classes an image may be of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tests.fixtures import scans
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
    """The bundle as one was written before it could say no."""
    model = onnx.load(model_file)
    (entry,) = [entry for entry in model.metadata_props if entry.key == KEY]
    card = json.loads(entry.value)
    for name in ("ood_score", "prediction_set"):
        card.pop(name)
    card["parity"].pop("largest_ood_difference")
    entry.value = json.dumps(card)
    kept = [output for output in model.graph.output if output.name != "ood_score"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    onnx.save(model, path)
    return path


def with_candidates(model_file: Path, limit: float) -> Predictor:
    """The bundle, with the same threshold for every class at an error of 0.1."""
    predictor = load(model_file)
    quantiles = {name: NonconformityQuantiles(9, (limit,), (0.1,)) for name in predictor.classes}
    predictor.card = predictor.card.model_copy(update={"prediction_set": PredictionSets(quantiles, "patient")})
    return predictor


@pytest.mark.parametrize("image", random_images(seed=5), ids=lambda p: f"{p.shape[0]}x{p.shape[1]}")
def test_the_score_is_that_of_the_network(model_file: Path, finished_run: Run, image: np.ndarray) -> None:
    limits = thresholds_of(finished_run, finished_run.table())
    assert limits.ood_score is not None
    with torch.inference_mode():
        expected = float(
            finished_run.pipeline(1.0, limits.ood_score.subspace)(torch.from_numpy(image)[None]).ood_score[0]
        )
    found = load(model_file).predict(image)
    assert found.ood_score == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert found.ood_score == (expected > 1)


def test_validation_images_are_inside(model_file: Path, finished_run: Run) -> None:
    paths = [sample.image for sample in finished_run.table().subset("val").samples]
    answers = [load(model_file).predict(path) for path in paths]
    assert not any(answer.ood_score for answer in answers)
    assert not any(answer.abstains for answer in answers)
    assert {answer.abstention_reason for answer in answers} == {""}


@pytest.mark.parametrize("gray", [0, 77, 255])
def test_an_empty_slice_is_outside_even_of_an_older_bundle(model_file: Path, tmp_path: Path, gray: int) -> None:
    empty = np.full((40, 50), gray, np.uint8)
    old = older(model_file, tmp_path / "old.onnx")
    for path in (model_file, old):
        answer = load(path).predict(empty)
        assert answer.ood_score is True
        assert answer.abstains
        assert answer.abstention_reason.startswith("outside of what this model is for")
    assert load(old).predict(scans.GRAY).ood_score is None
    assert load(old).predict(scans.GRAY).ood_score is None


def test_the_card_says_what_the_limit_is_worth(model_file: Path, evaluated_model_file: Path) -> None:
    card = load(model_file).card
    assert card.ood is not None
    assert (card.ood.fitted_on_images, card.ood.validation_units) == (8, 4)
    assert card.ood.flagged is None
    assert card.parity.largest_ood_difference is not None
    assert card.parity.largest_ood_difference <= 1e-3
    tested = load(evaluated_model_file).card.ood
    assert tested is not None
    assert tested.flagged is not None
    assert (tested.flagged["n"], tested.flagged["units"]) == (8, 4)


def test_what_is_needed_adds_little_to_the_file(model_file: Path) -> None:
    model = onnx.load(model_file)
    (card,) = [entry.value for entry in model.metadata_props if entry.key == KEY]
    assert len(json.dumps(json.loads(card)["prediction_set"])) < 4000


def test_a_run_without_validation_part_gives_a_bundle_that_cannot_say(own_run: Run, phantoms: Path) -> None:
    split = own_run.folder / "split.csv"
    rows = split.read_text().replace(",val", ",train").splitlines(keepends=True)
    split.write_text("".join(rows[1:]))  # without the line that vouches for the split
    run = load_run(own_run.folder)
    card = export(run, run.folder / "model.onnx")
    assert card.ood is None
    assert card.prediction_sets is None
    answer = load(run.folder / "model.onnx").predict(next((phantoms / "images").iterdir()))
    assert answer.ood_score is None
    assert not answer.abstains


def test_candidates_are_the_classes_that_are_probable_enough(model_file: Path, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    plain = load(model_file).predict(path)
    assert plain.prediction_set is None
    ordered = sorted(plain.probabilities, key=lambda name: -plain.probabilities[name])
    temperature = load(model_file).card.temperature
    raised = {name: p**temperature for name, p in plain.probabilities.items()}
    second = raised[ordered[1]] / sum(raised.values())
    two = with_candidates(model_file, 1 - second + 1e-4).predict(path, coverage=0.1)
    assert set(two.prediction_set or ()) == set(ordered[:2])
    assert two.abstention_reason in (
        f"unsure, may be {ordered[0]} or {ordered[1]}",
        f"unsure, may be {ordered[1]} or {ordered[0]}",
    )
    one = with_candidates(model_file, 1 - second - 1e-4).predict(path, coverage=0.1)
    assert (one.prediction_set, one.abstains) == ((ordered[0],), False)
    none = with_candidates(model_file, 0.0).predict(path, coverage=0.1)
    assert (none.prediction_set, none.abstains, none.abstention_reason) == ((), True, "unsure, no class fits")
    assert none.label == plain.label


def test_an_error_for_which_patients_are_too_few_leaves_every_class(model_file: Path, phantoms: Path) -> None:
    predictor = load(model_file)
    said = predictor.check_coverage(0.05)
    assert said is not None
    assert said.startswith("max-error 0.05 needs 19 patients of a class held out from training, glioma has 1")
    answer = predictor.predict(next((phantoms / "images").iterdir()), coverage=0.05)
    assert answer.prediction_set == predictor.classes
    assert answer.abstains


def test_what_cannot_be_asked_is_refused_before_a_image_is_read(model_file: Path, tmp_path: Path) -> None:
    old = load(older(model_file, tmp_path / "old.onnx"))
    with pytest.raises(ModelFileError, match=r"old\.onnx: no thresholds .* export the run again"):
        old.predict("no-such-file.png", coverage=0.1)
    with pytest.raises(DataError, match="max-error 2 found"):
        load(model_file).predict("no-such-file.png", coverage=2)


def test_plain_data_says_it_too(model_file: Path, finished_run: Run) -> None:
    path = finished_run.table().subset("val").samples[0].image
    data = load(model_file).predict(gray_slice(path), coverage=0.05).to_dict()
    assert data["ood_score"] is False
    assert 0 < data["ood_score"] < 1
    assert data["prediction_set"] == list(load(model_file).classes)
    assert data["abstains"] is True


def test_outside_is_told_before_unsure(model_file: Path) -> None:
    answer = load(model_file).predict(np.zeros((9, 9), np.uint8), coverage=0.05)
    assert isinstance(answer, Prediction)
    assert answer.abstention_reason.startswith("ood_score")
    assert replace(answer, ood_score=False).abstention_reason.startswith("unsure, may be glioma or")
