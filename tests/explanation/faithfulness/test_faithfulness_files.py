"""One folder has all results of a faithfulness measurement."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.fixtures.faithfulness import with_correlations
from tests.fixtures.html import check_footer
from tumorlens._record import Record
from tumorlens.explanation.faithfulness import FAITHFULNESS_METRICS, Faithfulness
from tumorlens.explanation.faithfulness.faithfulness_files import write_faithfulness
from tumorlens.training import Run

METHODS = ["grad_cam", "eigen_cam"]


def test_the_folder_has_metrics_images_and_the_record(
    faithfulness: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_faithfulness(finished_run, faithfulness, tmp_path / "maps", Record("explain"))
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {
        "faithfulness.json",
        "maps.csv",
        "report.html",
        "run.json",
    }
    stored = json.loads((tmp_path / "maps" / "faithfulness.json").read_text())
    assert list(stored["methods"]) == [*METHODS, "center", "random", "brightness"]
    assert stored["methods"]["grad_cam"]["metrics"]["relevance_mass_accuracy"]["unit"] == "patient"
    assert json.loads((tmp_path / "maps" / "run.json").read_text())["split_hash"] == stored["split_hash"]
    check_footer(tmp_path / "maps")


def test_the_csv_has_a_row_for_each_image_and_method(
    faithfulness: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_faithfulness(finished_run, faithfulness, tmp_path / "maps", Record("explain"))
    with (tmp_path / "maps" / "maps.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(faithfulness.samples) * len(faithfulness.rows)
    for name in METHODS:
        values = [float(row["relevance_mass_accuracy"]) for row in rows if row["method"] == name]
        estimate = next(row.metrics["relevance_mass_accuracy"] for row in faithfulness.rows if row.name == name)
        assert sum(values) / len(values) == pytest.approx(estimate.value, abs=1e-6)
    assert set(FAITHFULNESS_METRICS) < set(rows[0])


def test_a_method_that_fails_is_marked_in_json(faithfulness: Faithfulness, finished_run: Run, tmp_path: Path) -> None:
    marked = with_correlations(faithfulness, grad_cam=0.1, eigen_cam=0.9)
    write_faithfulness(finished_run, marked, tmp_path / "maps", Record("explain"))
    stored = json.loads((tmp_path / "maps" / "faithfulness.json").read_text())["methods"]
    assert (stored["eigen_cam"]["fails_sanity_check"], stored["grad_cam"]["fails_sanity_check"]) == (True, False)
