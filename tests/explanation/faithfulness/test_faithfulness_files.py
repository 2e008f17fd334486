"""One folder has all results, and a method that fails the sanity check is marked wherever it appears."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.html import check_footer
from tumorlens._record import Record
from tumorlens.explanation.faithfulness import FAITHFULNESS_METRICS, Faithfulness, measure_faithfulness
from tumorlens.explanation.faithfulness.faithfulness_files import write_faithfulness
from tumorlens.explanation.faithfulness.faithfulness_result import FaithfulnessRow
from tumorlens.explanation.faithfulness.faithfulness_text import conclusion
from tumorlens.stats import Estimate
from tumorlens.training import Run

METHODS = ["grad_cam", "eigen_cam"]


@pytest.fixture(scope="module")
def measured(finished_run: Run) -> Faithfulness:
    return measure_faithfulness(finished_run, methods=METHODS, limit=4, n_resamples=100)


def with_correlations(measured: Faithfulness, **correlations: float) -> Faithfulness:
    """The same with other results of the sanity check."""

    def changed(row: FaithfulnessRow) -> FaithfulnessRow:
        if row.sanity_check is None:
            return row
        value = correlations[row.name]
        correlation = Estimate(value, value, value, 4, 3, "patient", "bootstrap")
        return replace(row, sanity_check=replace(row.sanity_check, rank_correlation=correlation))

    return replace(measured, rows=tuple(changed(row) for row in measured.rows))


def test_the_folder_has_metrics_images_and_the_record(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_faithfulness(finished_run, measured, tmp_path / "maps", Record("explain"))
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


def test_the_csv_has_a_row_for_each_image_and_method(measured: Faithfulness, finished_run: Run, tmp_path: Path) -> None:
    write_faithfulness(finished_run, measured, tmp_path / "maps", Record("explain"))
    with (tmp_path / "maps" / "maps.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(measured.samples) * len(measured.rows)
    for name in METHODS:
        values = [float(row["relevance_mass_accuracy"]) for row in rows if row["method"] == name]
        estimate = next(row.metrics["relevance_mass_accuracy"] for row in measured.rows if row.name == name)
        assert sum(values) / len(values) == pytest.approx(estimate.value, abs=1e-6)
    assert set(FAITHFULNESS_METRICS) < set(rows[0])


def test_a_method_that_fails_is_marked_in_page_and_json(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    marked = with_correlations(measured, grad_cam=0.1, eigen_cam=0.9)
    write_faithfulness(finished_run, marked, tmp_path / "maps", Record("explain"))
    page = (tmp_path / "maps" / "report.html").read_text()
    assert "Eigen-CAM: FAILS the sanity check" in page
    assert "Grad-CAM: FAILS the sanity check" not in page
    images = [entry for entry in page.split("<li>") if entry.startswith("<figure") and "Eigen-CAM" in entry]
    assert len(images) == len(marked.samples)
    assert all("FAILS the sanity check" in entry for entry in images)
    stored = json.loads((tmp_path / "maps" / "faithfulness.json").read_text())["methods"]
    assert (stored["eigen_cam"]["fails_sanity_check"], stored["grad_cam"]["fails_sanity_check"]) == (True, False)


def test_the_page_shows_the_reference_contour_and_defines_each_metric(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_faithfulness(finished_run, measured, tmp_path / "maps", Record("explain"))
    page = (tmp_path / "maps" / "report.html").read_text()
    assert page.count("scan and reference contour") == len(measured.samples)
    for metric in FAITHFULNESS_METRICS.values():
        assert metric.title in page
        assert metric.meaning.split("(")[0].split("'")[0][:40] in page
    assert "rank correlation over" in page  # the label of the chart for screen readers
    assert "http" not in page.partition("<body>")[2]  # it loads nothing


def test_the_conclusion_is_the_best_method_that_passes(measured: Faithfulness) -> None:
    alone = conclusion(with_correlations(measured, grad_cam=0.9, eigen_cam=0.1))
    assert alone.startswith("Eigen-CAM is the only method that passes the sanity check.")
    none = conclusion(with_correlations(measured, grad_cam=0.9, eigen_cam=0.5))
    assert none.startswith("No method passes")
    both = conclusion(with_correlations(measured, grad_cam=0.1, eigen_cam=0.1))
    best = max(measured.methods, key=lambda row: row.metrics["relevance_mass_accuracy"].value)
    assert both.startswith(f"Of the methods that pass the sanity check, {best.title} has the highest")
