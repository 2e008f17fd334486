"""evaluation folder -> what a run said of each image, checked to be of its present weights."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import Any

from tumorlens._record import SURROGATES
from tumorlens.errors import RunError
from tumorlens.evaluation.subset import weights_hash
from tumorlens.stats import Estimate
from tumorlens.training import Run

DRAWN = ("dice", "hd95", "mask_pixels")
"""Columns of predictions.csv that two evaluations of what was drawn are compared by."""


@dataclass(frozen=True)
class Answered:
    """One row of predictions.csv.

    Attributes:
        label: the true class.
        predicted: the class the run named.
        unit: the patient (or group of copies), or the image's own id where none is known.
        drawn: what was measured of its mask, by column; empty where it has none, or nothing was drawn.
    """

    label: str
    predicted: str
    unit: str
    drawn: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """A finished evaluation, as it lies on disk.

    Attributes:
        facts: what evaluation.json holds.
        answers: image id to what was said of it, in the order of the file.
    """

    facts: dict[str, Any]
    answers: dict[str, Answered]

    @property
    def accuracy(self) -> Estimate:
        """With its interval, as the evaluation gave it."""
        return Estimate(**self.facts["overall"]["accuracy"])


def read_evaluation(run: Run, name: str = "test") -> Measured:
    """Read what `tumorlens evaluate` left in a run.

    Args:
        run: a finished run.
        name: of the evaluation: ``"test"``, ``"val"``, or the name of an external table.

    Raises:
        RunError: there is no such evaluation, it is damaged, or the weights have changed since.
    """
    folder = run.evaluation_folder(name)
    missing = [file for file in ("evaluation.json", "predictions.csv") if not (folder / file).is_file()]
    if missing:
        raise RunError(f"{folder}: {' and '.join(missing)} not found; run: tumorlens evaluate {run.folder}")
    try:
        facts = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
        path = folder / "predictions.csv"
        with path.open(newline="", encoding="utf-8", errors=SURROGATES) as stream:
            answers = {
                row["id"]: Answered(row["label"], row["predicted"], row["group"] or row["id"], _drawn(row))
                for row in csv.DictReader(stream)
            }
        stale = facts["weights"] != weights_hash(run)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder}: damaged ({error!r}); run: tumorlens evaluate {run.folder}") from None
    if stale:
        raise RunError(f"{folder}: made with other weights than the run has now; run: tumorlens evaluate {run.folder}")
    return Measured(facts, answers)


def _drawn(row: dict[str, str]) -> dict[str, float]:
    return {name: float(row[name]) for name in DRAWN if row.get(name)} if row.get("dice") else {}
