"""The points of every curve are beside the page, and give the same curve again."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tumorlens.evaluation import Evaluation
from tumorlens.evaluation.evaluation_charts import calibration_chart, precision_recall_chart, roc_chart


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def plotted(ax: Axes) -> list[list[list[float]]]:
    return [line.get_xydata().tolist() for line in ax.lines]


def test_curves_can_be_plotted_again_from_their_files(evaluation_folder: Path, evaluation: Evaluation) -> None:
    for name, chart, x, y in (
        ("roc.csv", roc_chart(evaluation), "false_positive_rate", "true_positive_rate"),
        ("precision_recall.csv", precision_recall_chart(evaluation), "recall", "precision"),
    ):
        points = rows(evaluation_folder / name)
        assert points
        ax = Figure().add_subplot()
        for label in dict.fromkeys(row["class"] for row in points):
            mine = [row for row in points if row["class"] == label]
            ax.plot([float(row[x]) for row in mine], [float(row[y]) for row in mine])
        curves = plotted(chart.plot(Figure().add_subplot()))
        assert plotted(ax) == curves[-len(chart.curves) :]
        assert {float(row["threshold"]) for row in points} <= {float("inf"), *evaluation.probabilities.ravel().tolist()}


def test_the_reliability_diagram_can_be_plotted_again_from_its_file(
    evaluation_folder: Path, evaluation: Evaluation
) -> None:
    bars = rows(evaluation_folder / "calibration.csv")
    ax = Figure().add_subplot()
    for stage in ("before", "after"):
        mine = [bar for bar in bars if bar["temperature_scaling"] == stage]
        assert sum(int(bar["images"]) for bar in mine) == len(evaluation.samples)
        assert all(float(bar["low"]) < float(bar["confidence"]) <= float(bar["high"]) + 1e-9 for bar in mine)
        ax.plot([float(bar["confidence"]) for bar in mine], [float(bar["accuracy"]) for bar in mine])
    assert plotted(ax) == plotted(calibration_chart(evaluation).plot(Figure().add_subplot()))[1:]
