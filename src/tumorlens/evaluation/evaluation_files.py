"""Evaluation -> evaluation.json, predictions.csv, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.page.evaluation_page import evaluation_page
from tumorlens.metrics.overlap import DistanceUnit, SegmentationCase
from tumorlens.report import save_page
from tumorlens.training import Run

SEGMENTATION_COLUMNS = (
    "dice",
    "iou",
    "hd95",
    "surface_dice",
    "reference_pixels",
    "predicted_pixels",
    "lesions",
    "lesions_detected",
    "false_positives",
)


def write_evaluation(run: Run, evaluation: Evaluation, folder: Path, record: Record) -> None:
    """Write all files of an evaluation; run.json comes last.

    Args:
        run: that was evaluated.
        evaluation: its results.
        folder: made where it is missing; files of an earlier evaluation are replaced.
        record: of the command; gets the evaluation's facts.
    """
    write_json(evaluation.to_dict(), folder / "evaluation.json")
    write_predictions(evaluation, folder / "predictions.csv")
    save_page(evaluation_page(run, evaluation), folder / "report.html")
    facts = evaluation.facts.model_dump(mode="json")
    record.add(**facts, device="cpu", outputs=["evaluation.json", "predictions.csv", "report.html"])
    record.write(folder)


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One row a sample, with the calibrated probabilities."""
    classes, segmentation = evaluation.metrics.classes, evaluation.segmentation
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        columns = SEGMENTATION_COLUMNS if segmentation else ()
        writer.writerow(["id", "group", "label", "predicted", *(f"p_{name}" for name in classes), *columns])
        for i, (sample, row) in enumerate(zip(evaluation.samples, evaluation.probabilities, strict=True)):
            predicted = classes[int(row.argmax())]
            cells = [f"{p:.6f}" for p in row]
            if segmentation:
                cells += _segmentation_cells(segmentation.cases[i], segmentation.distance_unit)
            writer.writerow([sample.id, sample.group or "", sample.label, predicted, *cells])


def _segmentation_cells(case: SegmentationCase, unit: DistanceUnit) -> list[str]:
    """The cells of `SEGMENTATION_COLUMNS`; empty where nothing is known."""
    surfaces, lesions, known = case.surfaces_in(unit), case.lesions, case.reference is not None
    scores = (case.dice, case.iou, surfaces.hd95, surfaces.surface_dice)
    return [
        *(f"{score:.6f}" if known else "" for score in scores),
        str(case.reference) if known else "",
        str(case.predicted),
        *([str(lesions.reference), str(lesions.detected)] if lesions and known else ["", ""]),
        str(lesions.false_positives) if lesions else "",
    ]
