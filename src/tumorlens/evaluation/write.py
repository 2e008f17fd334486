"""Evaluation -> evaluation.json, predictions.csv, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens.evaluation.evaluate import Evaluation
from tumorlens.evaluation.html import evaluation_page
from tumorlens.files import appearing
from tumorlens.record import SURROGATES, Record, write_json
from tumorlens.report import save_page
from tumorlens.training import Run


def write_evaluation(run: Run, evaluation: Evaluation, folder: Path, record: Record) -> None:
    """Write all that an evaluation leaves behind; run.json comes last.

    Args:
        run: what was evaluated.
        evaluation: what was found.
        folder: made where it is missing; files of an earlier evaluation are replaced.
        record: of the command; gets the evaluation's facts.
    """
    write_json(evaluation.to_dict(), folder / "evaluation.json")
    _write_predictions(evaluation, folder / "predictions.csv")
    save_page(evaluation_page(run, evaluation), folder / "report.html")
    record.add(**evaluation.facts, device="cpu", outputs=["evaluation.json", "predictions.csv", "report.html"])
    record.write(folder)


def _write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One row a sample, with the calibrated probabilities."""
    classes, segmentation = evaluation.metrics.classes, evaluation.segmentation
    with appearing(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = ["dice", "iou"] if segmentation else []
        writer.writerow(["id", "group", "label", "predicted", *(f"p_{name}" for name in classes), *names])
        for i, (sample, row) in enumerate(zip(evaluation.samples, evaluation.probabilities, strict=True)):
            said = classes[int(row.argmax())]
            cells = [f"{p:.6f}" for p in row]
            if segmentation:
                drawing = segmentation.drawings[i]
                cells += ["", ""] if drawing.true is None else [f"{drawing.dice:.6f}", f"{drawing.iou:.6f}"]
            writer.writerow([sample.id, sample.group or "", sample.label, said, *cells])
