"""Evaluation -> evaluation.json, predictions.csv, the points of its curves, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.errors import DataError
from tumorlens.evaluation.evaluation_charts import CURVE_FILES, write_curves
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.page.evaluation_page import evaluation_page
from tumorlens.report import save_page

if TYPE_CHECKING:
    from tumorlens.training import Run


def write_evaluation(
    run: Run | None, evaluation: Evaluation, folder: Path | None = None, record: Record | None = None
) -> Path:
    """Write all files of an evaluation; run.json comes last.

    Args:
        run: that was evaluated; None for predictions of another tool, which need a folder.
        evaluation: its results.
        folder: made where it is missing; files of an earlier evaluation are replaced. By default that of the run, where
            `compare` and `export` find the evaluation of the test subset.
        record: of the command; gets the evaluation's facts. A new one by default.

    Returns:
        The folder.
    """
    if folder is None:
        if run is None:
            raise DataError(found="an evaluation of predictions without a folder", expected="a folder to write it into")
        folder = run.evaluation_folder()
    record = record or Record("evaluate")
    write_json(evaluation.to_dict(), folder / "evaluation.json")
    write_predictions(evaluation, folder / "predictions.csv")
    if evaluation.given == "probabilities":
        write_curves(evaluation, folder)
    save_page(evaluation_page(run, evaluation, record.facts), folder / "report.html")
    facts = evaluation.facts.model_dump(mode="json")
    curves = CURVE_FILES if evaluation.given == "probabilities" else ()
    device = {} if run is None else {"device": run.device}
    record.add(**facts, **device, outputs=["evaluation.json", "predictions.csv", *curves, "report.html"])
    record.write(folder)
    return folder


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One row a sample, with the calibrated probabilities; cells of which nothing is known are empty."""
    columns, rows = evaluation.image_rows()
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row] for row in rows])
