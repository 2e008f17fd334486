"""The files of an evaluation agree with each other, and a reader can judge them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.fixtures.html import check_footer
from tumorlens._record import Record
from tumorlens.errors import DataError
from tumorlens.evaluation import Evaluation, evaluate, evaluation_page, write_evaluation
from tumorlens.evaluation.evaluation_charts import calibration_chart, precision_recall_chart, roc_chart
from tumorlens.training import Run


@pytest.fixture(scope="module")
def evaluation(finished_run: Run) -> Evaluation:
    return evaluate(finished_run, n_resamples=100)


@pytest.fixture(scope="module")
def folder(finished_run: Run, evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    write_evaluation(finished_run, evaluation, folder, Record("evaluate"))
    return folder


def test_all_files_are_there_and_run_json_names_them(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    assert sorted([*record["outputs"], "run.json"]) == sorted(p.name for p in folder.iterdir())
    assert record["verb"] == "evaluate"
    assert len(record["split_hash"]) == 64


def test_the_footer_of_the_page_has_the_facts_of_the_record(folder: Path) -> None:
    check_footer(folder)


def test_the_accuracy_follows_from_the_predictions(folder: Path) -> None:
    found = json.loads((folder / "evaluation.json").read_text())
    with (folder / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == found["images"]
    assert found["overall"]["accuracy"]["value"] == np.mean([r["label"] == r["predicted"] for r in rows])
    for row in rows:
        shares = {name: float(row[f"p_{name}"]) for name in found["classes"]}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=shares.__getitem__) == row["predicted"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def plotted(ax: Axes) -> list[list[list[float]]]:
    return [line.get_xydata().tolist() for line in ax.lines]


def test_curves_can_be_plotted_again_from_their_files(folder: Path, evaluation: Evaluation) -> None:
    for name, chart, x, y in (
        ("roc.csv", roc_chart(evaluation), "false_positive_rate", "true_positive_rate"),
        ("precision_recall.csv", precision_recall_chart(evaluation), "recall", "precision"),
    ):
        points = rows(folder / name)
        assert points
        ax = Figure().add_subplot()
        for label in dict.fromkeys(row["class"] for row in points):
            mine = [row for row in points if row["class"] == label]
            ax.plot([float(row[x]) for row in mine], [float(row[y]) for row in mine])
        curves = plotted(chart.plot(Figure().add_subplot()))
        assert plotted(ax) == curves[-len(chart.curves) :]
        assert {float(row["threshold"]) for row in points} <= {float("inf"), *evaluation.probabilities.ravel().tolist()}


def test_the_reliability_diagram_can_be_plotted_again_from_its_file(folder: Path, evaluation: Evaluation) -> None:
    bars = rows(folder / "calibration.csv")
    ax = Figure().add_subplot()
    for stage in ("before", "after"):
        mine = [bar for bar in bars if bar["temperature_scaling"] == stage]
        assert sum(int(bar["images"]) for bar in mine) == len(evaluation.samples)
        assert all(float(bar["low"]) < float(bar["confidence"]) <= float(bar["high"]) + 1e-9 for bar in mine)
        ax.plot([float(bar["confidence"]) for bar in mine], [float(bar["accuracy"]) for bar in mine])
    assert plotted(ax) == plotted(calibration_chart(evaluation).plot(Figure().add_subplot()))[1:]


@pytest.mark.parametrize("kind", ["confusion_matrix", "roc", "precision_recall", "calibration"])
def test_an_evaluation_is_plotted_on_axes(evaluation: Evaluation, kind: str) -> None:
    ax = Figure().add_subplot()
    assert evaluation.plot(kind, ax) is ax
    assert ax.has_data()


def test_an_unknown_plot_is_an_error_that_lists_the_kinds(evaluation: Evaluation) -> None:
    with pytest.raises(DataError, match="confusion_matrix, roc, precision_recall, calibration; did you mean roc"):
        evaluation.plot("rocs")


def test_metrics_that_are_undefined_are_null_in_strict_json(folder: Path) -> None:
    def never(name: str) -> None:
        raise AssertionError(name)

    found = json.loads((folder / "evaluation.json").read_text(), parse_constant=never)
    assert found["overall"]


def test_the_page_holds_its_evidence_and_its_caveats(folder: Path) -> None:
    found = json.loads((folder / "evaluation.json").read_text())
    page = (folder / "report.html").read_text()
    assert found["split_hash"] in page
    assert found["data_fingerprint"] in page
    assert found["evidence"] in page
    assert found["caveats"]
    for text in found["caveats"]:
        assert text in page
    assert "Confusion matrix" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_page_can_be_made_of_one_external_class(finished_run: Run, phantom_table: object, tmp_path: Path) -> None:
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    table = open_table(make(tmp_path / "new", patients=4, slices=1, seed=6, size=48))
    found = evaluate(finished_run, table=table.filter(lambda s: s.label == "glioma"), n_resamples=100)
    write_evaluation(finished_run, found, tmp_path / "out", Record("evaluate"))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "external: phantom" in page
    assert "nan" not in page.lower().replace("data:image", "").split("<body>")[1].split("base64")[0]


def test_the_page_shows_the_region_occlusion_test(folder: Path, finished_run: Run) -> None:
    found = json.loads((folder / "evaluation.json").read_text())["analyses"]["region_occlusion"]
    section = (folder / "report.html").read_text().rpartition("Region occlusion</h2>")[2].partition("</section>")[0]
    for name in ("outside_head_occluded", "head_occluded", "tumor_occluded"):
        assert found[name]["conclusion"] in section
    images = re.findall(r'alt="([^"]*: input, outside of the head occluded[^"]*)"', section)
    assert len(images) == 4  # one of each class
    assert sum(text.endswith("tumor occluded") for text in images) == 3
    bare = evaluation_page(finished_run, evaluate(finished_run, analyses={"region_occlusion": False}, n_resamples=100))
    assert "Region occlusion" not in bare


def test_the_page_runs_no_network_and_finds_no_head(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = evaluate(finished_run, n_resamples=100)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the page reads results")

    monkeypatch.setattr("torch.nn.Module.__call__", refuse)
    for place in ("measure", "occlude"):
        monkeypatch.setattr(f"tumorlens.evaluation.analyses.region_occlusion.{place}.head_mask", refuse)
    assert "<h1>" in evaluation_page(finished_run, evaluation)
