"""What all charts have in common: they are plotted on Axes that a user can restyle, and rendered for a page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.report.plots.examples import (
    CHARTS,
    NAN,
    bins,
    curve,
    estimate,
    parse,
)
from tumorlens.report.plots import (
    BarRow,
    CascadeChart,
    CascadeLine,
    Chart,
    ConfusionChart,
    CostChart,
    CostPoint,
    EpochSeries,
    IntervalChart,
    IntervalRow,
    PrecisionRecallChart,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    RocCurve,
    StackedBarChart,
    TrainingCurves,
    render_chart,
)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_plotted_on_given_axes(name: str) -> None:
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert CHARTS[name].plot(axes[1]) is axes[1]
    assert axes[1].has_data()
    assert not axes[0].has_data()
    free = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    assert CHARTS[name].plot(free) is free


def test_a_new_figure_is_one_of_pyplot_so_that_a_notebook_shows_it() -> None:
    import matplotlib.pyplot as plt

    plt.close("all")
    ax = CHARTS["roc"].plot()
    assert plt.figure(plt.get_fignums()[-1]) is ax.figure
    plt.close("all")


def test_a_user_restyles_axes_but_not_pages() -> None:
    page = render_chart(CHARTS["roc"])
    with matplotlib.rc_context({"axes.prop_cycle": matplotlib.cycler(color=["#123456"]), "font.size": 20}):
        ax = CHARTS["roc"].plot(Figure().add_subplot())
        assert ax.lines[1].get_color() == "#123456"
        assert render_chart(CHARTS["roc"]) == page
    ax.set_title("mine")
    assert ax.get_title() == "mine"


def test_a_page_leaves_the_settings_of_matplotlib_and_pyplot_alone() -> None:
    code = (
        "import sys, matplotlib\n"
        "def settings(): return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = settings()\n"
        "from tests.report.plots.examples import CHARTS\n"
        "from tumorlens.report.plots import render_chart\n"
        "render_chart(CHARTS['training'])\n"
        "assert settings() == before\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert done.stderr == ""


@pytest.mark.parametrize("modules", ["tumorlens, tumorlens.cli", "tumorlens.report.plots, tumorlens.report"])
def test_matplotlib_is_imported_with_the_first_chart(modules: str) -> None:
    code = f"import sys, {modules}; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "chart",
    [
        lambda: ConfusionChart([], []),
        lambda: ConfusionChart(np.eye(17, dtype=int), [f"class {i}" for i in range(17)]),
        lambda: RocChart([]),
        lambda: RocChart([RocCurve("rare", [], [], estimate(NAN, None, None))]),
        lambda: RocChart([curve(f"class {i}") for i in range(12)]),
        lambda: PrecisionRecallChart([]),
        lambda: ReliabilityChart(ReliabilityCurve("before", [])),
        lambda: ReliabilityChart(ReliabilityCurve("before", bins([0, 0])), ReliabilityCurve("after", bins([0]))),
        lambda: IntervalChart([]),
        lambda: IntervalChart([IntervalRow("same", estimate(1.0, 1.0, 1.0))]),
        lambda: IntervalChart([IntervalRow("none", estimate(NAN, None, None))]),
        lambda: TrainingCurves([]),
        lambda: TrainingCurves([EpochSeries("loss", [])], [EpochSeries("F1", [NAN])], best=1),
        lambda: TrainingCurves([EpochSeries("loss", [0.3] * 40)], best=40),
        lambda: CascadeChart([], [], 0.5, "rank correlation"),
        lambda: CascadeChart([CascadeLine("empty", [])], [f"s{i}" for i in range(60)], 0.5, "rank correlation"),
        lambda: CostChart([CostPoint("unknown", 2, estimate(NAN, None, None))], "cost", ""),
        lambda: CostChart([CostPoint("a", 1e-6, estimate()), CostPoint("b", 1e9, estimate())], "cost", ""),
        lambda: StackedBarChart([], [], "images"),
        lambda: StackedBarChart([BarRow("none", (0,))], ["images"], "images"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_very_little_or_much_data_renders(chart: Callable[[], Chart]) -> None:
    assert parse(chart()).tag == "svg"
