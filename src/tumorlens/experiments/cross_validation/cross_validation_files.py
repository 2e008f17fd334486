"""Cross-validation -> cross_validation.json, predictions.csv, curves, report.html and run.json in one folder."""

from __future__ import annotations

from pathlib import Path

from tumorlens._record import Record, write_json
from tumorlens.evaluation.evaluation_charts import CURVE_FILES, write_curves
from tumorlens.evaluation.evaluation_files import write_predictions
from tumorlens.experiments.cross_validation.cross_validation_page import cross_validation_page
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
from tumorlens.report import save_page

CROSS_VALIDATION, REPORT, PREDICTIONS = "cross_validation.json", "report.html", "predictions.csv"


def write_cross_validation(result: CrossValidation, folder: Path, record: Record) -> None:
    """Write the files of a cross-validation beside its runs; run.json comes last.

    Args:
        result: of the cross-validation.
        folder: of the runs.
        record: of the command; data and splits are added to it.
    """
    write_json(result.to_dict(), folder / CROSS_VALIDATION)
    write_predictions(result.pooled, folder / PREDICTIONS)
    write_curves(result.pooled, folder)
    save_page(cross_validation_page(result, record.facts), folder / REPORT)
    device = result.folds[0].run.record.device
    record.add(
        **result.pooled.facts.model_dump(mode="json"),
        device=device,
        outputs=[CROSS_VALIDATION, PREDICTIONS, *CURVE_FILES, REPORT, *(fold.folder for fold in result.folds)],
    )
    record.write(folder)
