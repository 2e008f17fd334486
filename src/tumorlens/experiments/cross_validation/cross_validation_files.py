"""Cross-validation -> crossval.json, predictions.csv, report.html and run.json in one folder."""

from __future__ import annotations

from pathlib import Path

from tumorlens._record import Record, write_json
from tumorlens.evaluation.evaluation_files import write_predictions
from tumorlens.experiments.cross_validation.cross_validation_page import cross_validation_page
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
from tumorlens.report import save_page

JSON, HTML, CSV = "crossval.json", "report.html", "predictions.csv"


def write_cross_validation(found: CrossValidation, folder: Path, record: Record) -> None:
    """Write what a cross-validation leaves beside its runs; run.json comes last.

    Args:
        found: all folds.
        folder: that of the runs.
        record: of the command; gets the facts.
    """
    write_json(found.to_dict(), folder / JSON)
    write_predictions(found.pooled, folder / CSV)
    save_page(cross_validation_page(found), folder / HTML)
    device = found.folds[0].run.record.device
    record.add(
        **found.pooled.facts.model_dump(mode="json"),
        device=device,
        outputs=[JSON, CSV, HTML, *(fold.folder for fold in found.folds)],
    )
    record.write(folder)
