"""A forest plot shows every estimate and its interval."""

from __future__ import annotations

from tests.report.plots.examples import (
    CHARTS,
    NAN,
    estimate,
    plotted,
    tips,
    words,
)
from tumorlens.report.plots import (
    IntervalChart,
    IntervalRow,
)


def test_the_forest_plot_writes_values_beside_their_lines() -> None:
    assert {"sensitivity", "glioma", "97.0 % (95.0 to 99.0)"} <= set(words(CHARTS["forest"]))
    assert "97.0 % (95.0 to 99.0); 752 images, 43 patients" in tips(CHARTS["forest"])
    ax = plotted(CHARTS["forest"])
    (segment,) = ax.collections[0].get_segments()
    assert segment.tolist() == [[95, 1], [99, 1]]


def test_the_full_name_of_a_shortened_row_is_its_tooltip() -> None:
    name = "Integrated gradients, smoothed (fails)"
    assert name in tips(IntervalChart([IntervalRow(name, estimate())]))
    assert name not in words(IntervalChart([IntervalRow(name, estimate())]))


def test_every_interval_of_the_forest_plot_is_inside_its_axis() -> None:
    rows = [IntervalRow(str(i), estimate(v, v - 0.04, v + 0.02)) for i, v in enumerate((0.31, 0.77, 0.98))]
    low, high = plotted(IntervalChart(rows, percent=False)).get_xlim()
    assert low < 0.27
    assert high > 1.0


def test_an_estimate_without_interval_or_value_keeps_its_row() -> None:
    chart = IntervalChart(
        [IntervalRow("one", estimate(0.5, None, None)), IntervalRow("none", estimate(NAN, None, None))]
    )
    assert {"one", "50.0 % (no interval)", "none", "undefined"} <= set(words(chart))
    assert plotted(chart).lines[0].get_xydata().tolist() == [[50, 0]]
