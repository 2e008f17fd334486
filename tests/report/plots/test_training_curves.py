"""Training curves show every epoch and mark the one that was kept."""

from __future__ import annotations

from tests.report.plots.examples import (
    CHARTS,
    NAN,
    parse,
    plotted,
    words,
)
from tumorlens.report.plots import (
    EpochSeries,
    TrainingCurves,
)


def test_training_curves_mark_the_kept_epoch() -> None:
    assert "kept: epoch 2" in words(CHARTS["training"])
    ax = plotted(CHARTS["training"])
    scores = ax.figure.axes[1]
    assert [2.0, 0.5] in [line.get_xydata().tolist()[0] for line in ax.lines]
    assert [2.0, 0.9] in [line.get_xydata().tolist()[0] for line in scores.lines]
    assert scores.get_xlabel() == "epoch"
    assert ax.lines[0].get_color() != scores.lines[0].get_color()


def test_an_epoch_without_a_value_breaks_the_line() -> None:
    root = parse(TrainingCurves([EpochSeries("loss", [1.0, 0.8, NAN, 0.5, 0.4])]))
    lines = [
        path.get("d", "") for path in root.iter("path") if "stroke:#0b5d9c;stroke-width:2" in path.get("style", "")
    ]
    assert max(line.count("M") for line in lines) == 2
