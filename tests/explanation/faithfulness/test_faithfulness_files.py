"""One folder holds all that was found, and a map that failed is stamped wherever it is shown."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens._record import Record
from tumorlens.explanation.faithfulness import FIGURES, Faithfulness, measure_maps
from tumorlens.explanation.faithfulness.faithfulness_files import write_trust
from tumorlens.explanation.faithfulness.faithfulness_result import STAMP, Row
from tumorlens.explanation.faithfulness.faithfulness_text import conclusion
from tumorlens.stats import Estimate
from tumorlens.training import Run

METHODS = ["grad_cam", "eigen_cam"]


@pytest.fixture(scope="module")
def measured(finished_run: Run) -> Faithfulness:
    return measure_maps(finished_run, methods=METHODS, limit=4, n_resamples=100)


def judged(measured: Faithfulness, **correlations: float) -> Faithfulness:
    """The same with another outcome of the sanity check."""

    def changed(row: Row) -> Row:
        if row.sanity is None:
            return row
        value = correlations[row.name]
        return replace(
            row, sanity=replace(row.sanity, rank=Estimate(value, value, value, 4, 3, "patient", "bootstrap"))
        )

    return replace(measured, rows=tuple(changed(row) for row in measured.rows))


def test_the_folder_holds_figures_images_and_what_was_done(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_trust(finished_run, measured, tmp_path / "maps", Record("explain"))
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {
        "explanation.json",
        "maps.csv",
        "report.html",
        "run.json",
    }
    said = json.loads((tmp_path / "maps" / "explanation.json").read_text())
    assert list(said["methods"]) == [*METHODS, "center", "random", "brightness"]
    assert said["methods"]["grad_cam"]["figures"]["energy"]["unit"] == "patient"
    assert json.loads((tmp_path / "maps" / "run.json").read_text())["split_hash"] == said["split_hash"]


def test_the_csv_has_a_row_for_each_image_and_method(measured: Faithfulness, finished_run: Run, tmp_path: Path) -> None:
    write_trust(finished_run, measured, tmp_path / "maps", Record("explain"))
    with (tmp_path / "maps" / "maps.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(measured.samples) * len(measured.rows)
    for name in METHODS:
        mine = [float(row["energy"]) for row in rows if row["method"] == name]
        figure = next(row.figures["energy"] for row in measured.rows if row.name == name)
        assert sum(mine) / len(mine) == pytest.approx(figure.value, abs=1e-6)
    assert set(FIGURES) < set(rows[0])


def test_a_map_that_fails_is_stamped_in_page_and_json(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    found = judged(measured, grad_cam=0.1, eigen_cam=0.9)
    write_trust(finished_run, found, tmp_path / "maps", Record("explain"))
    page = (tmp_path / "maps" / "report.html").read_text()
    assert f"Eigen-CAM: {STAMP}" in page
    assert f"Grad-CAM: {STAMP}" not in page
    images = [entry for entry in page.split("<li>") if entry.startswith("<figure") and "Eigen-CAM" in entry]
    assert len(images) == len(found.samples)
    assert all(STAMP in entry for entry in images)
    said = json.loads((tmp_path / "maps" / "explanation.json").read_text())["methods"]
    assert (said["eigen_cam"]["stamp"], said["grad_cam"]["stamp"]) == (STAMP, None)


def test_the_page_shows_the_true_outline_beside_every_map_and_explains_each_figure(
    measured: Faithfulness, finished_run: Run, tmp_path: Path
) -> None:
    write_trust(finished_run, measured, tmp_path / "maps", Record("explain"))
    page = (tmp_path / "maps" / "report.html").read_text()
    assert page.count("scan and true outline") == len(measured.samples)
    for figure in FIGURES.values():
        assert figure.title in page
        assert figure.reading.split("(")[0].split("'")[0][:40] in page
    assert "rank correlation over" in page  # what the chart says to a screen reader
    assert "http" not in page.partition("<body>")[2]  # it loads nothing


def test_the_conclusion_names_the_best_method_that_passes(measured: Faithfulness) -> None:
    alone = conclusion(judged(measured, grad_cam=0.9, eigen_cam=0.1))
    assert alone.startswith("Eigen-CAM alone passes the sanity check.")
    none = conclusion(judged(measured, grad_cam=0.9, eigen_cam=0.5))
    assert none.startswith("No method passes")
    both = conclusion(judged(measured, grad_cam=0.1, eigen_cam=0.1))
    best = max(measured.methods, key=lambda row: row.figures["energy"].value)
    assert both.startswith(f"Of the methods that pass the sanity check {best.title} has most energy")
