"""Evaluation folder of a run -> its metrics and the prediction for each image, checked to be of the present weights."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from tumorlens._record import SURROGATES
from tumorlens.errors import RunError
from tumorlens.evaluation.evaluation_facts import weights_hash
from tumorlens.evaluation.evaluation_record import EvaluationRecord
from tumorlens.stats import Estimate

if TYPE_CHECKING:
    from tumorlens.training import Run

COMPARED_COLUMNS = ("dice", "hd95", "reference_pixels")
"""Columns of predictions.csv by which two segmentations are compared."""


class PredictionRow(BaseModel):
    """One row of predictions.csv.

    Attributes:
        label: the true class.
        predicted: the predicted class.
        unit: the patient (or group of duplicates), or the image's own id where none is known.
        segmentation: column -> score of its predicted mask; empty where there is no reference mask.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    predicted: str
    unit: str
    segmentation: dict[str, float] = {}


@dataclass(frozen=True)
class StoredEvaluation:
    """A finished evaluation, as it lies on disk.

    Attributes:
        record: what evaluation.json holds.
        predictions: image id -> row of predictions.csv, in the order of the file.
    """

    record: EvaluationRecord
    predictions: dict[str, PredictionRow] = field(repr=False)

    @property
    def accuracy(self) -> Estimate:
        """With its interval, as the evaluation gave it."""
        return self.record.overall["accuracy"].estimate


def read_evaluation(run: Run, name: str = "test") -> StoredEvaluation:
    """Read what `tumorlens evaluate` wrote into a run.

    Args:
        run: a finished run.
        name: of the evaluation: ``"test"``, ``"val"``, or the name of an external table.

    Raises:
        RunError: there is no such evaluation, it is damaged, or the weights have changed since.
    """
    folder = run.evaluation_folder(name)
    missing = [file for file in ("evaluation.json", "predictions.csv") if not (folder / file).is_file()]
    advice = f"run: tumorlens evaluate {run.folder}"
    if missing:
        raise RunError(file=folder, found=f"{' and '.join(missing)} not found", advice=advice)
    try:
        record = EvaluationRecord.model_validate(json.loads((folder / "evaluation.json").read_text(encoding="utf-8")))
        path = folder / "predictions.csv"
        with path.open(newline="", encoding="utf-8", errors=SURROGATES) as stream:
            predictions = {row["id"]: _prediction(row) for row in csv.DictReader(stream)}
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else repr(error)
        raise RunError(file=folder, found=f"damaged ({reason})", advice=advice) from None
    if record.weights != weights_hash(run):
        raise RunError(file=folder, found="made with other weights than the run has now", advice=advice)
    return StoredEvaluation(record, predictions)


def _prediction(row: dict[str, str]) -> PredictionRow:
    scores = {name: float(row[name]) for name in COMPARED_COLUMNS if row.get(name)} if row.get("dice") else {}
    return PredictionRow(
        label=row["label"], predicted=row["predicted"], unit=row["group"] or row["id"], segmentation=scores
    )
