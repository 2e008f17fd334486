"""The card survives its way into a file and back, and a foreign one is refused in one line."""

from __future__ import annotations

import json

import pytest

from tests.fixtures import model_cards
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import KEY, ModelCard, parse_card


def card() -> ModelCard:
    changes = {
        "name": "run",
        "figures": {"accuracy": {"value": 0.9, "low": None, "high": None}},
        "tested_on": "phantom, test part",
        "caveats": ("few patients",),
    }
    return model_cards.sparse().model_copy(update=changes)


def test_a_card_comes_back_as_it_was() -> None:
    assert parse_card({KEY: card().model_dump_json()}, "x.onnx") == card()


def test_a_card_from_before_it_was_asked_for_more_still_loads() -> None:
    later = {"per_class", "confusion_matrix", "calibration", "sensitivity", "attributions", "methods", "segments"}
    old = {key: value for key, value in card().model_dump(mode="json").items() if key not in later}
    found = parse_card({KEY: json.dumps(old)}, "x.onnx")
    assert (found.per_class, found.confusion_matrix, found.calibration, found.attributions) == ({}, (), None, ())


def test_it_says_what_it_is_not_for() -> None:
    assert "Not a medical device" in card().intended_use


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format"),
        ({"classes": 3}, "classes"),
        ({"input_geometry": {"size": 0}}, "input_geometry"),
        ({"new": 1}, "new"),
    ],
)
def test_a_card_of_another_format_is_refused_in_one_line(change: dict[str, object], said: str) -> None:
    other = json.dumps(card().model_dump(mode="json") | change)
    with pytest.raises(ModelFileError, match=rf"x\.onnx: its card does not fit.*{said}") as caught:
        parse_card({KEY: other}, "x.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metadata", [{}, {KEY: "no JSON"}])
def test_a_missing_or_damaged_card_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(ModelFileError, match=r"x\.onnx: .*card"):
        parse_card(metadata, "x.onnx")
