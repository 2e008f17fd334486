"""A model card is read back from the file as it was written, and a card of another layout is refused in one line."""

from __future__ import annotations

import json
import math

import pytest

from tests.fixtures import model_cards
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import KEY, ModelCard, parse_card
from tumorlens.stats.estimate_record import EstimateRecord


def card() -> ModelCard:
    changes = {
        "name": "run",
        "metrics": {"accuracy": EstimateRecord(value=0.9, low=None, high=None)},
        "tested_on": "phantom, test subset",
        "caveats": ("few patients",),
    }
    return model_cards.sparse().model_copy(update=changes)


@pytest.mark.parametrize("written", [card(), model_cards.full()], ids=["sparse", "full"])
def test_a_card_is_read_as_it_was_written(written: ModelCard) -> None:
    assert parse_card({KEY: written.model_dump_json()}, "x.onnx") == written


def test_a_card_with_fewer_keys_loads() -> None:
    later = {"per_class", "confusion_matrix", "calibration", "analyses", "attributions", "methods", "segments"}
    older = {key: value for key, value in card().model_dump(mode="json").items() if key not in later}
    loaded = parse_card({KEY: json.dumps(older)}, "x.onnx")
    assert (loaded.per_class, loaded.confusion_matrix, loaded.calibration, loaded.attributions) == ({}, (), None, ())


def test_keys_that_were_not_recorded_stay_out_of_the_json() -> None:
    assert model_cards.sparse().model_dump(mode="json")["training"] == {"seed": 0}
    assert model_cards.full().model_dump(mode="json")["training"] == model_cards.TRAINING


def test_an_undefined_value_is_null_in_json_and_nan_as_an_estimate() -> None:
    record = EstimateRecord.model_validate_json('{"value": null, "low": null, "high": null}')
    assert math.isnan(record.estimate.value)
    assert (record.estimate.unit, record.estimate.method) == ("image", "none")


def test_it_states_that_it_is_not_a_medical_device() -> None:
    assert "Not a medical device" in card().intended_use


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"classes": 3}, "classes"),
        ({"input_geometry": {"size": 0}}, "input_geometry"),
        ({"training": {"split": {"by": "hospital", "source": "folds"}}}, r"training\.split"),
        ({"new": 1}, "new"),
    ],
)
def test_a_card_of_another_layout_is_refused_in_one_line(change: dict[str, object], key: str) -> None:
    other = json.dumps(card().model_dump(mode="json") | change)
    with assert_refused(ModelFileError, file=r"^x\.onnx$", found=f"its card does not fit.*{key}"):
        parse_card({KEY: other}, "x.onnx")


@pytest.mark.parametrize("metadata", [{}, {KEY: "no JSON"}])
def test_a_missing_or_damaged_card_is_refused(metadata: dict[str, str]) -> None:
    with assert_refused(ModelFileError, file=r"^x\.onnx$", found="card"):
        parse_card(metadata, "x.onnx")


def test_the_repr_is_one_line_and_a_notebook_shows_the_metrics() -> None:
    text = repr(card())
    assert text == str(card())
    assert text.startswith(f"ModelCard({card().name}: {card().model}, {len(card().classes)} classes")
    assert "\n" not in text
    assert len(text) < 200
    html = card()._repr_html_()
    assert card().license in html
    assert card().metrics["accuracy"].estimate.percent() in html
