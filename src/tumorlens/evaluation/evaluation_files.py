"""Evaluation -> evaluation.json, predictions.csv, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.report.evaluation_page import evaluation_page
from tumorlens.metrics.overlap import SegmentationCase, Unit
from tumorlens.report import save_page
from tumorlens.training import Run

_DRAWN = (
    "dice", "iou", "hd95", "surface_dice", "mask_pixels", "drawn_pixels", "lesions", "lesions_hit", "false_positives",
)  # fmt: skip


def write_evaluation(run: Run, evaluation: Evaluation, folder: Path, record: Record) -> None:
    """Write all that an evaluation leaves behind; run.json comes last.

    Args:
        run: what was evaluated.
        evaluation: what was found.
        folder: made where it is missing; files of an earlier evaluation are replaced.
        record: of the command; gets the evaluation's facts.
    """
    write_json(evaluation.to_dict(), folder / "evaluation.json")
    write_predictions(evaluation, folder / "predictions.csv")
    save_page(evaluation_page(run, evaluation), folder / "report.html")
    record.add(**evaluation.facts, device="cpu", outputs=["evaluation.json", "predictions.csv", "report.html"])
    record.write(folder)


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One row a sample, with the calibrated probabilities."""
    classes, segmentation = evaluation.metrics.classes, evaluation.segmentation
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = _DRAWN if segmentation else ()
        writer.writerow(["id", "group", "label", "predicted", *(f"p_{name}" for name in classes), *names])
        for i, (sample, row) in enumerate(zip(evaluation.samples, evaluation.probabilities, strict=True)):
            said = classes[int(row.argmax())]
            cells = [f"{p:.6f}" for p in row]
            if segmentation:
                cells += _drawn(segmentation.drawings[i], segmentation.distance_unit)
            writer.writerow([sample.id, sample.group or "", sample.label, said, *cells])


def _drawn(drawing: SegmentationCase, unit: Unit) -> list[str]:
    """The cells of `_DRAWN`; empty where nothing is known."""
    outlines, lesions, known = drawing.outlines(unit), drawing.lesions, drawing.true is not None
    shares = (drawing.dice, drawing.iou, outlines.hd95, outlines.surface_dice)
    return [
        *(f"{share:.6f}" if known else "" for share in shares),
        str(drawing.true) if known else "",
        str(drawing.drawn),
        *([str(lesions.true), str(lesions.hit)] if lesions and known else ["", ""]),
        str(lesions.false) if lesions else "",
    ]
