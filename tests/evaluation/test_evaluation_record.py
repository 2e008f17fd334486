"""evaluation.json as a typed record: nothing is lost, and another shape is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tumorlens._record import to_jsonable
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.evaluation.evaluation_record import EvaluationRecord
from tumorlens.training import Run


@pytest.fixture(scope="module")
def written(segmentation_run: Run) -> dict[str, Any]:
    """What evaluation.json holds of a run that segments, with two analyses."""
    analyses = {"region_occlusion": False, "selective": False}
    evaluation = evaluate(segmentation_run, allow_box_masks=True, analyses=analyses, n_resamples=100)
    plain: dict[str, Any] = json.loads(json.dumps(to_jsonable(evaluation.to_dict())))
    return plain


def test_reading_and_writing_lose_nothing(written: dict[str, Any]) -> None:
    assert EvaluationRecord.model_validate(written).model_dump(mode="json") == written


def test_estimates_calibration_and_segmentation_are_typed(written: dict[str, Any]) -> None:
    record = EvaluationRecord.model_validate(written)
    assert record.overall["accuracy"].estimate.n == record.images == 8
    assert record.calibration.after.brier.value == written["calibration"]["after"]["brier"]["value"]
    assert record.segmentation is not None
    assert record.segmentation.overall["dice"].estimate.unit == "patient"
    assert record.segmentation.distance_unit == "pixels"


def test_an_analysis_has_conclusions_and_caveats_and_keys_of_its_own(written: dict[str, Any]) -> None:
    ood = EvaluationRecord.model_validate(written).analyses["ood"]
    assert ood.conclusions[0].endswith("below it.")
    assert "flagged" in ood.own
    assert "conclusions" not in ood.own


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"overall": {"accuracy": 0.5}},
        {"calibration": {"temperature": 1.0}},
        {"analyses": {"ood": {"flagged": 0.5}}},
        {"segmentation": {"masks": 1}},
        {"unknown_key": 1},
    ],
)
def test_another_shape_is_refused(written: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EvaluationRecord.model_validate(written | change)
