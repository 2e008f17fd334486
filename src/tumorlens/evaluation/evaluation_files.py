"""Evaluation -> evaluation.json, predictions.csv, the points of its curves, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.evaluation.evaluation_charts import CURVE_FILES, write_curves
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.page.evaluation_page import evaluation_page
from tumorlens.report import save_page
from tumorlens.training import Run


def write_evaluation(
    run: Run, evaluation: Evaluation, folder: Path | None = None, record: Record | None = None
) -> Path:
    """Write all files of an evaluation; run.json comes last.

    Args:
        run: that was evaluated.
        evaluation: its results.
        folder: made where it is missing; files of an earlier evaluation are replaced. By default that of the run, where
            `compare` and `export` find the evaluation of the test subset.
        record: of the command; gets the evaluation's facts. A new one by default.

    Returns:
        The folder.
    """
    folder, record = folder or run.evaluation_folder(), record or Record("evaluate")
    write_json(evaluation.to_dict(), folder / "evaluation.json")
    write_predictions(evaluation, folder / "predictions.csv")
    write_curves(evaluation, folder)
    save_page(evaluation_page(run, evaluation, record.facts), folder / "report.html")
    facts = evaluation.facts.model_dump(mode="json")
    record.add(**facts, device=run.device, outputs=["evaluation.json", "predictions.csv", *CURVE_FILES, "report.html"])
    record.write(folder)
    return folder


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One row a sample, with the calibrated probabilities; cells of which nothing is known are empty."""
    columns, rows = evaluation.image_rows()
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row] for row in rows])
