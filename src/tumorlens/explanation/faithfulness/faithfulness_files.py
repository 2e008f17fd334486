"""Faithfulness -> faithfulness.json, maps.csv, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.explanation.faithfulness.faithfulness_page import faithfulness_page
from tumorlens.explanation.faithfulness.faithfulness_result import FAITHFULNESS_METRICS, Faithfulness
from tumorlens.report import save_page
from tumorlens.training import Run


def write_faithfulness(run: Run, faithfulness: Faithfulness, folder: Path, record: Record) -> None:
    """Write all files of a faithfulness measurement; run.json comes last.

    Args:
        run: the explained run.
        faithfulness: the result.
        folder: made if it is missing; files of an earlier measurement are replaced.
        record: of the command; gets the facts.
    """
    document = faithfulness_page(run, faithfulness, record.facts)
    write_json(faithfulness.to_dict(), folder / "faithfulness.json")
    _write_maps(faithfulness, folder / "maps.csv")
    save_page(document, folder / "report.html")
    facts = faithfulness.facts.model_dump(mode="json")
    record.add(**facts, device=run.device, outputs=["faithfulness.json", "maps.csv", "report.html"])
    record.write(folder)


def _write_maps(faithfulness: Faithfulness, path: Path) -> None:
    """One row for each image and method."""
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        facts = ["id", "group", "label", "predicted", "probability", "blurred_probability", "tumor_fraction"]
        writer.writerow([*facts, "method", *FAITHFULNESS_METRICS, "blank"])
        for i, sample in enumerate(faithfulness.samples):
            numbers = (
                faithfulness.probabilities[i],
                faithfulness.blurred_probabilities[i],
                faithfulness.tumor_fractions[i],
            )
            predicted = faithfulness.predicted[i]
            known = [sample.id, sample.group or "", sample.label, predicted, *(f"{n:.6f}" for n in numbers)]
            for row in faithfulness.rows:
                values = (f"{row.scores.values[key][i]:.6f}" for key in FAITHFULNESS_METRICS)
                writer.writerow([*known, row.name, *values, int(row.scores.blank[i])])
