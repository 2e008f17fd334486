"""Each chart shows all of its numbers, at the right place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tests.report.plots.examples import CHARTS, CLASSES, COUNTS, NAN, bins, curve, estimate, parse, tips, words
from tumorlens.report.plots import (
    BarRow,
    Chart,
    ConfusionChart,
    CostChart,
    CostPoint,
    EpochSeries,
    IntervalChart,
    IntervalRow,
    PrecisionRecallChart,
    PrecisionRecallCurve,
    ReliabilityBin,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    RocCurve,
    StackedBarChart,
    TrainingCurves,
    render_chart,
)


def plotted(chart: Chart) -> Axes:
    return chart.plot(Figure().add_subplot())


def legend(ax: Axes) -> list[str]:
    found = [panel.get_legend() for panel in ax.figure.axes if panel.get_legend()]
    return [text.get_text() for text in found[0].get_texts()]


def test_the_matrix_shows_every_count_and_its_share_of_the_row() -> None:
    shown = words(CHARTS["matrix"])
    assert [w for w in shown if w.isdigit()] == [str(c) for c in COUNTS.ravel()]
    assert {"98.3 %", "87.7 %", "6.5 %", "n = 293", "n = 138"} <= set(shown)


def test_rows_of_the_matrix_are_true_classes() -> None:
    assert "true meningioma, predicted glioma: 9 of 138" in tips(CHARTS["matrix"])
    ax = plotted(CHARTS["matrix"])
    assert [text.get_position()[0] for text in ax.texts if text.get_text() == "288"] == [0]
    nine = next(text for text in ax.texts if text.get_text() == "9")
    assert (nine.get_position()[0], round(nine.get_position()[1])) == (0, 1)


def test_the_diagonal_and_mistakes_have_different_colors_and_more_is_darker() -> None:
    cells = [patch.get_facecolor() for patch in plotted(CHARTS["matrix"]).patches]
    assert len({to_hex(color) for color in cells}) == 2
    assert to_hex(cells[0]) == to_hex(cells[5]) != to_hex(cells[1])
    assert cells[4][3] > cells[1][3] > cells[2][3] == 0


def test_a_class_without_images_has_no_percentages() -> None:
    assert words(ConfusionChart([[3, 1], [0, 0]], ["a", "b"])).count("–") == 2


def test_a_matrix_of_another_size_than_its_classes_is_an_error() -> None:
    with pytest.raises(ValueError, match="4 x 4"):
        ConfusionChart(COUNTS[:3], CLASSES)


def test_roc_names_each_class_with_its_area_and_interval() -> None:
    assert legend(plotted(CHARTS["roc"])) == [f"{name}: AUROC 0.970 (0.950 to 0.990)" for name in CLASSES]
    assert "glioma 0.970" in parse(CHARTS["roc"]).get("aria-label", "")


def test_roc_lists_a_class_with_an_undefined_area() -> None:
    ax = plotted(RocChart([curve("glioma"), RocCurve("rare", [], [], estimate(NAN, None, None))]))
    assert "rare: AUROC undefined" in legend(ax)


def test_the_plotted_curve_has_the_points_of_the_data() -> None:
    ax = plotted(RocChart([curve("glioma")]))
    np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [(0, 0), (0.1, 0.9), (1, 1)])
    ax = plotted(PrecisionRecallChart([PrecisionRecallCurve("glioma", [0, 0.5, 1], [1, 0.9, 0.2], 0.2)]))
    np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [(0, 1), (0.5, 0.9), (1, 0.2)])
    assert legend(ax) == ["glioma: prevalence 20.0 %"]


def test_a_curve_of_a_hundred_thousand_points_stays_small() -> None:
    rate = np.linspace(0, 1, 100_000)
    assert len(render_chart(RocChart([RocCurve("glioma", rate, np.sqrt(rate), estimate())]))) < 150_000


def test_reliability_shows_only_bins_with_images() -> None:
    ax = plotted(ReliabilityChart(ReliabilityCurve("before", bins([0, 0, 7, 90]), estimate(0.033, 0.02, 0.05))))
    assert len(ax.lines[-1].get_xydata()) == 2
    counts = ax.figure.axes[1]
    assert [bar.get_height() for bar in counts.patches] == [7, 90]
    assert legend(ax) == ["before: ECE 0.033 (0.020 to 0.050)"]


def test_reliability_shows_before_and_after_in_two_colors() -> None:
    ax = plotted(CHARTS["reliability"])
    assert ax.lines[-1].get_color() != ax.lines[-2].get_color()
    bars = ax.figure.axes[1].patches
    assert bars[0].get_x() + bars[0].get_width() == pytest.approx(0.625)  # the left half of its bin


def test_a_calibrated_model_lies_on_the_diagonal() -> None:
    ax = plotted(ReliabilityChart(ReliabilityCurve("m", [ReliabilityBin(0.8, 1.0, 0.9, 0.9, 10)])))
    assert ax.lines[-1].get_xydata().tolist() == [[0.9, 0.9]]


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


def test_networks_are_numbered_dots_with_values_in_the_legend() -> None:
    assert legend(plotted(CHARTS["costs"])) == [
        "1. fold 1, small: 90.0 % (85.0 to 95.0) at 0.08 G",
        "2. large: 97.0 % (95.0 to 99.0) at 15 G",
    ]
    shown = words(CHARTS["costs"])
    assert {"0.1", "1", "2", "10"} <= set(shown)
    assert "multiply-adds, G" in shown


def dots(chart_points: list[CostPoint]) -> list[tuple[float, float]]:
    """Cost and accuracy of the dots, from left to right."""
    ax = plotted(CostChart(chart_points, "cost", ""))
    found = [tuple(box[0].get_xydata()[0]) for box in ax.containers]
    return sorted((float(x), float(y)) for x, y in found if np.isfinite(y))


def test_lower_cost_is_left_and_accuracy_is_in_percent() -> None:
    cheap, expensive = dots(
        [CostPoint("expensive", 10, estimate(0.97)), CostPoint("cheap", 0.1, estimate(0.60, 0.55, 0.65))]
    )
    assert cheap == pytest.approx((0.1, 60))
    assert expensive == pytest.approx((10, 97))


def test_networks_of_equal_cost_are_side_by_side() -> None:
    points = [CostPoint("a", 0.38 + i / 1000, estimate()) for i in range(5)]
    ax = plotted(CostChart(points, "cost", ""))
    low, high = np.log10(ax.get_xlim())
    places = [(np.log10(x) - low) / (high - low) for x, _ in dots(points)]
    assert all(b - a > 0.02 for a, b in pairwise(places))


def test_an_undefined_accuracy_is_only_in_the_legend() -> None:
    points = [CostPoint("known", 1, estimate()), CostPoint("unknown", 2, estimate(NAN, None, None))]
    assert len(dots(points)) == 1
    assert "2. unknown: undefined at 2" in legend(plotted(CostChart(points, "cost", "")))


@pytest.mark.parametrize("points", [[], [CostPoint("free", 0, estimate())]])
def test_a_logarithmic_axis_needs_costs_above_zero(points: list[CostPoint]) -> None:
    with pytest.raises(ValueError, match="a cost above 0"):
        CostChart(points, "cost", "")


def test_each_cascade_line_has_its_points_below_the_limit_or_above() -> None:
    ax = plotted(CHARTS["cascade"])
    assert ax.lines[0].get_xydata().tolist() == [[0, 1.0], [1, 0.6], [2, 0.2], [3, -0.3]]
    assert ax.lines[2].get_ydata() == [0.5, 0.5]
    assert "limit 0.5" in words(CHARTS["cascade"])
    assert "slow ends at 0.100" in parse(CHARTS["cascade"]).get("aria-label", "")
    assert {"as trained", "blocks.1"} <= set(tips(CHARTS["cascade"]))


def test_bars_are_stacked_with_their_counts() -> None:
    ax = plotted(CHARTS["bars"])
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches[::2]] == [(0, 100), (100, 20), (120, 7)]
    assert "100 + 20 + 7" in words(CHARTS["bars"])
    assert legend(ax) == ["unique", "duplicates", "leaked"]
    assert "glioma 100 unique, 20 duplicates, 7 leaked" in parse(CHARTS["bars"]).get("aria-label", "")


def test_a_bar_with_another_number_of_kinds_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 counts in row 'a'; expected 1"):
        StackedBarChart([BarRow("a", (1, 2))], ["images"], "images")


def test_long_names_of_columns_are_rotated_and_have_tooltips() -> None:
    name = "no tumor at all in this slice"
    assert render_chart(ConfusionChart(COUNTS, [*CLASSES[:3], name])).count("rotate(-30") == 4
    assert tips(ConfusionChart(COUNTS, [*CLASSES[:3], name])).count(name) == 2
