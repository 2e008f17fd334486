"""What a card says in words is what it holds, and nothing where it holds nothing."""

from __future__ import annotations

import pytest

from tests.fixtures import model_cards
from tumorlens.model_card import phrases as words
from tumorlens.scan import InputGeometry


def test_figures_are_said_with_interval_and_evidence() -> None:
    assert words.figures(
        {"accuracy": model_cards.figure(0.9, 0.8, 0.95), "dice": model_cards.figure(0.75, 0.7, 0.8)}
    ) == [
        ("accuracy", "90.0 % (80.0 to 95.0)", "40 images, 10 patients"),
        ("Dice of the tumor", "0.750 (0.700 to 0.800)", "40 images, 10 patients"),
    ]
    assert words.figure("accuracy", model_cards.figure(None)) == "undefined"
    assert words.figures({"new_one": model_cards.figure(0.5)})[0][:2] == ("new_one", "0.500 (no interval)")


@pytest.mark.parametrize(
    ("input_geometry", "said"),
    [
        (InputGeometry(224), "the whole image, scaled to fit 224 x 224 pixels, with black bars where it is not square"),
        (InputGeometry(96, "resize"), "the whole image, stretched to 96 x 96 pixels"),
        (InputGeometry(96, crop="head"), "the box around the head, scaled to fit 96 x 96"),
        (
            InputGeometry(224, "center_crop", 256),
            "its shorter side scaled to 256 pixels and the center of 224 x 224 pixels cut out",
        ),
    ],
)
def test_the_canvas_is_said_as_it_is(input_geometry: InputGeometry, said: str) -> None:
    assert said in words.input_geometry(model_cards.full(input_geometry=input_geometry))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            {},
            "by patient, into 5 folds stratified by class, fold 1 (counted from 0) held out as test, 15 % of the rest",
        ),
        ({"source": "given", "by": "image"}, "train and test as the data set brings them, 15 % of the rest"),
        ({"source": "given", "by": "image"}, "by image, since no patient is known"),
        ({"source": "file", "val": 0.0}, "as a table brought it; by patient"),
        ({"by": "image, patients ignored"}, "by image, patients ignored, into 5 folds"),
    ],
)
def test_the_split_is_said_as_it_was_made(plan: dict[str, object], said: str) -> None:
    training = model_cards.full().training
    assert said in words.split(model_cards.full(training=training | {"split": training["split"] | plan}))


def test_settings_without_effect_are_left_out() -> None:
    assert dict(words.settings(model_cards.full())) == {
        "general": "epochs 20",
        "optimizer": "adamw, lr 0.0005",
        "schedule": "cosine",
        "loss": "cross-entropy, class_weights balanced, mask 0.6",
        "augment": "hflip 0.5, scale 0.8 to 1.2",
    }
    assert "mask" not in dict(words.settings(model_cards.full(segments=False)))["loss"]


def test_the_epoch_that_was_kept_is_said_with_its_rule() -> None:
    said = "the epoch best by val_dice was kept, 9 of 12; on the validation part it had val_loss 0.2"
    assert words.epoch(model_cards.full()) == said


def test_calibration_says_what_the_temperature_changed_or_why_it_was_not_fitted() -> None:
    first, second = words.calibration(model_cards.full())
    assert first == "temperature 1.250, from 30 validation images, 8 patients"
    assert second.endswith("0.200 (0.100 to 0.300) without it, 0.100 (0.050 to 0.150) with it")
    unfitted = model_cards.full().calibration.model_copy(update={"reason": "only 1 image", "before": {}})
    assert list(words.calibration(model_cards.full(calibration=unfitted))) == [
        "temperature 1.250, not fitted: only 1 image"
    ]


def test_wrong_answers_are_counted() -> None:
    assert dict(words.confusions(model_cards.full())) == {
        "glioma": "20 of 25 images right, 5 named no_tumor",
        "no_tumor": "15 of 15 images right",
    }


def test_what_it_declines_is_said_with_what_that_rests_on() -> None:
    said = words.outside(model_cards.full())
    assert said.startswith("by distance, from 100 training images; the limit, from 30 of validation, keeps 95.8 %")
    assert said.endswith("of the test part 2.0 % (1.0 to 4.0) are flagged")
    assert words.candidates(model_cards.full()).endswith("thresholds from validation, patients: glioma 5, no_tumor 3")


def test_an_older_card_gives_no_phrases() -> None:
    old = model_cards.sparse()
    assert words.is_older(old)
    assert [words.split(old), words.intensities(old), words.options(old), words.epoch(old)] == [""] * 4
    assert [words.outside(old), words.candidates(old)] == [""] * 2
    for phrases in (words.parts, words.datasets, words.settings, words.calibration, words.confusions):
        assert list(phrases(old)) == []
    assert not words.is_older(model_cards.full())
