"""Trust -> explanation.json, maps.csv, report.html and run.json in one folder."""

from __future__ import annotations

import csv
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens._record import SURROGATES, Record, write_json
from tumorlens.explanation.faithfulness.faithfulness_page import trust_page
from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Faithfulness
from tumorlens.report import save_page
from tumorlens.training import Run


def write_trust(run: Run, found: Faithfulness, folder: Path, record: Record) -> None:
    """Write all that a measurement of maps leaves behind; run.json comes last.

    Args:
        run: whose maps they are.
        found: what was found.
        folder: made where it is missing; files of an earlier measurement are replaced.
        record: of the command; gets the facts.
    """
    document = trust_page(run, found)
    write_json(found.to_dict(), folder / "explanation.json")
    _write_maps(found, folder / "maps.csv")
    save_page(document, folder / "report.html")
    record.add(**found.facts, device="cpu", outputs=["explanation.json", "maps.csv", "report.html"])
    record.write(folder)


def _write_maps(found: Faithfulness, path: Path) -> None:
    """One row for each image and method."""
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        facts = ["id", "group", "label", "predicted", "probability", "blurred", "tumor_share"]
        writer.writerow([*facts, "method", *FIGURES, "blank"])
        for i, sample in enumerate(found.samples):
            numbers = (found.probabilities[i], found.hidden[i], found.tumor[i])
            known = [sample.id, sample.group or "", sample.label, found.predicted[i], *(f"{n:.6f}" for n in numbers)]
            for row in found.rows:
                values = (f"{row.scores.values[key][i]:.6f}" for key in FIGURES)
                writer.writerow([*known, row.name, *values, int(row.scores.blank[i])])
