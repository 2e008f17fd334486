"""The texts about a card state its facts, and are empty where it holds none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fixtures import model_cards
from tumorlens.model_card import phrases
from tumorlens.scan import InputGeometry


def test_a_metric_has_its_title_its_interval_and_its_sample() -> None:
    estimate = model_cards.estimate
    assert phrases.metric_rows({"accuracy": estimate(0.9, 0.8, 0.95), "dice": estimate(0.75, 0.7, 0.8)}) == [
        ("accuracy", "90.0 % (80.0 to 95.0)", "40 images, 10 patients"),
        ("Dice", "0.750 (0.700 to 0.800)", "40 images, 10 patients"),
    ]
    assert phrases.estimate_text("accuracy", estimate(None)) == "undefined"
    assert phrases.metric_rows({"new_one": estimate(0.5)})[0][:2] == ("new_one", "0.500 (no interval)")


@pytest.mark.parametrize(
    ("input_geometry", "expected"),
    [
        (InputGeometry(224), "the whole image, resized to fit 224 x 224 pixels, padded with black where it is not sq"),
        (InputGeometry(96, "resize"), "the whole image, resized to 96 x 96 pixels"),
        (InputGeometry(96, crop="head"), "the bounding box of the head, resized to fit 96 x 96"),
        (
            InputGeometry(224, "center_crop", 256),
            "its shorter side resized to 256 pixels, center crop of 224 x 224 pixels",
        ),
    ],
)
def test_the_input_geometry_is_described(input_geometry: InputGeometry, expected: str) -> None:
    assert expected in phrases.input_geometry(model_cards.full(input_geometry=input_geometry))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            "by patient, into 5 folds stratified by class, fold 1 (counted from 0) held out as test, 15 % of the rest",
        ),
        ({"source": "given", "by": "image"}, "train and test as the data set gives them, 15 % of the rest"),
        ({"source": "given", "by": "image"}, "by image, since no patient is known"),
        ({"source": "file", "val": 0.0}, "as given in a table; by patient"),
        ({"source": "whole"}, "no test subset, 15 % for validation; by patient"),
    ],
)
def test_the_split_is_described(changes: dict[str, object], expected: str) -> None:
    plan = model_cards.provenance().split
    assert plan is not None
    card = model_cards.full(training=model_cards.provenance(split=replace(plan, **changes)))
    assert expected in phrases.split(card)


def test_settings_without_effect_are_left_out() -> None:
    assert dict(phrases.settings(model_cards.full())) == {
        "general": "epochs 20",
        "optimizer": "adamw, lr 0.0005",
        "schedule": "cosine",
        "loss": "cross-entropy, class_weights balanced, segmentation 0.6",
        "augment": "hflip 0.5, scale 0.8 to 1.2",
    }
    assert "segmentation" not in dict(phrases.settings(model_cards.full(segments=False)))["loss"]


def test_the_kept_epoch_has_its_rule_and_its_validation_metrics() -> None:
    expected = "the epoch with the best val_dice was kept, 9 of 12; validation subset: val_loss 0.2"
    assert phrases.epoch(model_cards.full()) == expected


def test_calibration_is_given_without_and_with_the_temperature_or_with_the_reason_against_a_fit() -> None:
    first, second = phrases.calibration(model_cards.full())
    assert first == "temperature 1.250, fitted on 30 validation images, 8 patients"
    assert second.endswith("0.200 (0.100 to 0.300) without temperature scaling, 0.100 (0.050 to 0.150) with it")
    unfitted = model_cards.full().calibration.model_copy(update={"reason": "only 1 image", "before": {}})
    card = model_cards.full(calibration=unfitted)
    assert list(phrases.calibration(card)) == ["temperature 1.250, not fitted: only 1 image"]


def test_confusions_are_counted_by_class() -> None:
    assert dict(phrases.confusion_rows(model_cards.full())) == {
        "glioma": "20 of 25 images correctly classified, 5 predicted as no_tumor",
        "no_tumor": "15 of 15 images correctly classified",
    }


def test_ood_detection_and_prediction_sets_are_described_with_their_samples() -> None:
    text = phrases.ood(model_cards.full())
    assert text.startswith("distance; fitted on 100 training images; threshold fitted on 30 validation images; 95.8 %")
    assert text.endswith("2.0 % (1.0 to 4.0) of the test images are flagged")
    expected = "quantiles from the validation subset, patients: glioma 5, no_tumor 3"
    assert phrases.prediction_sets(model_cards.full()).endswith(expected)


def test_an_older_card_gives_empty_texts() -> None:
    older = model_cards.sparse()
    assert phrases.is_older(older)
    assert [phrases.split(older), phrases.intensities(older), phrases.options(older), phrases.epoch(older)] == [""] * 4
    assert [phrases.ood(older), phrases.prediction_sets(older)] == [""] * 2
    for texts in (phrases.subsets, phrases.datasets, phrases.settings, phrases.calibration, phrases.confusion_rows):
        assert list(texts(older)) == []
    assert not phrases.is_older(model_cards.full())
