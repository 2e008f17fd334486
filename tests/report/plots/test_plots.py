"""Charts are well-formed SVG with all numbers, also for little data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from tumorlens.report.plots import (
    Chart,
    ConfusionChart,
    CostChart,
    CostPoint,
    EpochSeries,
    IntervalChart,
    IntervalRow,
    ReliabilityBin,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    RocCurve,
    TrainingCurves,
    render_chart,
    render_standalone,
)
from tumorlens.report.plots.svg import Frame, ticks
from tumorlens.stats import Estimate

CLASSES = ["glioma", "meningioma", "pituitary", "no_tumor"]
COUNTS = np.array([[288, 4, 0, 1], [9, 121, 6, 2], [0, 2, 178, 1], [1, 0, 0, 139]])
MALICIOUS = "</svg><script>\"'&\x00"
NAN = float("nan")


def estimate(value: float = 0.97, low: float | None = 0.95, high: float | None = 0.99) -> Estimate:
    return Estimate(value, low, high, 752, 43, "patient", "bootstrap" if low is not None else "none")


def curve(name: str, value: float = 0.97) -> RocCurve:
    return RocCurve(name, [0, 0.1, 1], [0, 0.9, 1], estimate(value))


def bins(counts: list[int]) -> list[ReliabilityBin]:
    n = len(counts)
    return [
        ReliabilityBin(i / n, (i + 1) / n, (i + 0.5) / n if c else NAN, 0.5 if c else NAN, c)
        for i, c in enumerate(counts)
    ]


def parse(chart: Chart) -> ElementTree.Element:
    """The parsed chart; fails where it is not well formed or has no text for a screen reader."""
    svg = render_chart(chart)
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert "nan" not in svg.lower()
    return root


def words(chart: Chart) -> list[str]:
    return [
        "".join([element.text or "", *(title.tail or "" for title in element)]) for element in parse(chart).iter("text")
    ]


def test_the_matrix_shows_every_count_and_its_share_of_the_row() -> None:
    shown = words(ConfusionChart(COUNTS, CLASSES))
    assert [w for w in shown if w.isdigit()] == [str(c) for c in COUNTS.ravel()]
    assert {"98.3 %", "87.7 %", "6.5 %", "n = 293", "n = 138"} <= set(shown)


def test_rows_of_the_matrix_are_true_classes() -> None:
    tips = [t.text for t in parse(ConfusionChart(COUNTS, CLASSES)).iter("title")]
    assert "true meningioma, predicted glioma: 9 of 138" in tips


def test_the_diagonal_and_mistakes_have_different_colors_and_more_is_darker() -> None:
    cells = list(parse(ConfusionChart(COUNTS, CLASSES)).iter("rect"))
    assert [c.get("class") for c in cells[:5]] == ["cell right", *["cell wrong"] * 3, "cell wrong"]
    assert float(cells[4].get("fill-opacity", "")) > float(cells[1].get("fill-opacity", "")) > 0
    assert float(cells[2].get("fill-opacity", "")) == 0


def test_a_class_without_images_has_no_percentages() -> None:
    assert words(ConfusionChart([[3, 1], [0, 0]], ["a", "b"])).count("–") == 2


def test_a_matrix_of_another_size_than_its_classes_is_an_error() -> None:
    with pytest.raises(ValueError, match="4 x 4"):
        ConfusionChart(COUNTS[:3], CLASSES)


def test_roc_names_each_class_with_its_area_and_interval() -> None:
    shown = words(RocChart([curve(name) for name in CLASSES]))
    assert "glioma: AUROC 0.970 (0.950 to 0.990)" in shown
    assert sum("AUROC" in w for w in shown) == 4


def test_roc_lists_a_class_with_an_undefined_area() -> None:
    shown = words(RocChart([curve("glioma"), RocCurve("rare", [], [], estimate(NAN, None, None))]))
    assert "rare: AUROC undefined" in shown


def test_a_curve_of_a_hundred_thousand_points_stays_small() -> None:
    rate = np.linspace(0, 1, 100_000)
    assert len(render_chart(RocChart([RocCurve("glioma", rate, np.sqrt(rate), estimate())]))) < 150_000


def test_reliability_shows_only_bins_with_images() -> None:
    chart = ReliabilityChart(ReliabilityCurve("before", bins([0, 0, 7, 90]), estimate(0.033, 0.02, 0.05)))
    root = parse(chart)
    assert len(list(root.iter("circle"))) == 2
    assert len(list(root.iter("rect"))) == 2
    assert "before: ECE 0.033 (0.020 to 0.050)" in words(chart)


def test_reliability_shows_before_and_after_in_two_colors() -> None:
    chart = ReliabilityChart(ReliabilityCurve("before", bins([5, 95])), ReliabilityCurve("after", bins([20, 80])))
    assert {c.get("class") for c in parse(chart).iter("circle")} == {"dot s0", "dot s1"}


def test_a_calibrated_model_lies_on_the_diagonal() -> None:
    calibrated = [ReliabilityBin(0.8, 1.0, 0.9, 0.9, 10)]
    dot = next(parse(ReliabilityChart(ReliabilityCurve("m", calibrated))).iter("circle"))
    frame = Frame(56, 10, 350, 250, (0, 1), (0, 1))
    assert float(dot.get("cx", "")) == pytest.approx(frame.x(0.9), abs=0.01)
    assert float(dot.get("cy", "")) == pytest.approx(frame.y(0.9), abs=0.01)


def test_the_forest_plot_writes_values_beside_their_lines() -> None:
    chart = IntervalChart([IntervalRow("sensitivity"), IntervalRow("glioma", estimate())])
    assert {"sensitivity", "glioma", "97.0 % (95.0 to 99.0)"} <= set(words(chart))
    assert len([e for e in parse(chart).iter("line") if e.get("class") == "whisker"]) == 1


def test_every_interval_of_the_forest_plot_is_inside_its_axis() -> None:
    rows = [IntervalRow(str(i), estimate(v, v - 0.04, v + 0.02)) for i, v in enumerate((0.31, 0.77, 0.98))]
    root = parse(IntervalChart(rows, percent=False))
    grid = [float(e.get("x1", "")) for e in root.iter("line") if e.get("class") == "grid"]
    for line in (e for e in root.iter("line") if e.get("class") == "whisker"):
        assert min(grid) <= float(line.get("x1", "")) <= float(line.get("x2", "")) <= max(grid)


def test_an_estimate_without_interval_or_value_keeps_its_row() -> None:
    chart = IntervalChart(
        [IntervalRow("one", estimate(0.5, None, None)), IntervalRow("none", estimate(NAN, None, None))]
    )
    assert {"one", "50.0 % (no interval)", "none", "undefined"} <= set(words(chart))
    assert len(list(parse(chart).iter("circle"))) == 1


def test_training_curves_mark_the_kept_epoch() -> None:
    chart = TrainingCurves(
        [EpochSeries("training loss", [1.0, 0.5, 0.4])], [EpochSeries("F1", [0.7, 0.9, 0.8])], best=2
    )
    assert "kept: epoch 2" in words(chart)
    assert [c.get("r") for c in parse(chart).iter("circle")] == ["2.5", "4.5", "2.5"] * 2


def test_an_epoch_without_a_value_breaks_the_line() -> None:
    chart = TrainingCurves([EpochSeries("loss", [1.0, 0.8, NAN, 0.5, 0.4])])
    line = next(e for e in parse(chart).iter("path") if e.get("class") == "line s0")
    assert line.get("d", "").count("M") == 2
    assert len(list(parse(chart).iter("circle"))) == 4


@pytest.mark.parametrize(
    "chart",
    [
        lambda name: ConfusionChart([[1]], [name]),
        lambda name: RocChart([curve(name)]),
        lambda name: ReliabilityChart(ReliabilityCurve(name, bins([1]))),
        lambda name: IntervalChart([IntervalRow(name), IntervalRow(name, estimate())]),
        lambda name: TrainingCurves([EpochSeries(name, [1.0])], [EpochSeries(name, [0.5])], best=1),
    ],
    ids=["matrix", "roc", "reliability", "forest", "training"],
)
@pytest.mark.parametrize("name", [MALICIOUS, "", "a very long class name " * 9])
def test_one_class_with_any_name_renders(chart: Callable[[str], Chart], name: str) -> None:
    assert "script" not in {e.tag for e in parse(chart(name)).iter()}


@pytest.mark.parametrize(
    "chart",
    [
        lambda: ConfusionChart([], []),
        lambda: RocChart([]),
        lambda: ReliabilityChart(ReliabilityCurve("before", [])),
        lambda: ReliabilityChart(ReliabilityCurve("before", bins([0, 0])), ReliabilityCurve("after", bins([0]))),
        lambda: IntervalChart([]),
        lambda: IntervalChart([IntervalRow("same", estimate(1.0, 1.0, 1.0))]),
        lambda: TrainingCurves([]),
        lambda: TrainingCurves([EpochSeries("loss", [])], [EpochSeries("F1", [NAN])], best=1),
        lambda: TrainingCurves([EpochSeries("loss", [0.3] * 40)], best=40),
        lambda: RocChart([curve(f"class {i}") for i in range(12)]),
    ],
)
def test_very_little_or_much_data_renders(chart: Callable[[], Chart]) -> None:
    assert parse(chart()).tag == "svg"


@pytest.mark.parametrize(("low", "high"), [(0.123, 0.987), (-3, 1200), (0.9997, 0.9999), (5, 5)])
def test_ticks_are_few_and_cover_the_data(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert marks[0] <= low <= high <= marks[-1]
    assert 3 <= len(marks) <= 9


def test_networks_are_numbered_dots_with_values_in_the_legend() -> None:
    points = [CostPoint("small", 0.08, estimate(0.9, 0.85, 0.95), "fold 1"), CostPoint("large", 15, estimate())]
    shown = words(CostChart(points, "multiply-adds", "G"))
    assert "fold 1, small: 90.0 % (85.0 to 95.0) at 0.08 G" in shown
    assert "large: 97.0 % (95.0 to 99.0) at 15 G" in shown
    assert shown.count("1") == 3  # at the dot, in the legend, and on the axis
    assert {"0.1", "1", "10"} <= set(shown)


def dots(points: list[CostPoint]) -> list[tuple[float, float]]:
    """Where the dots stand, from left to right; those of the legend are left out."""
    circles = [c for c in parse(CostChart(points, "cost", "")).iter("circle") if float(c.get("cx", "")) > 60]
    return [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in circles]


def test_lower_cost_is_left_and_higher_accuracy_is_above() -> None:
    cheap, expensive = dots(
        [CostPoint("expensive", 10, estimate(0.97)), CostPoint("cheap", 0.1, estimate(0.60, 0.55, 0.65))]
    )
    assert cheap[0] < expensive[0]
    assert cheap[1] > expensive[1]


def test_networks_of_equal_cost_are_side_by_side() -> None:
    places = [x for x, _ in dots([CostPoint("a", 0.38 + i / 1000, estimate()) for i in range(5)])]
    assert all(b - a > 12 for a, b in pairwise(places))


def test_an_undefined_accuracy_is_only_in_the_legend() -> None:
    points = [CostPoint("known", 1, estimate()), CostPoint("unknown", 2, estimate(NAN, None, None))]
    assert len(dots(points)) == 1
    assert "unknown: undefined at 2" in words(CostChart(points, "cost", ""))


@pytest.mark.parametrize("points", [[], [CostPoint("free", 0, estimate())]])
def test_a_logarithmic_axis_needs_costs_above_zero(points: list[CostPoint]) -> None:
    with pytest.raises(ValueError, match="a cost above 0"):
        CostChart(points, "cost", "")


def test_a_standalone_chart_has_its_colors_and_size() -> None:
    svg = render_standalone(CostChart([CostPoint(MALICIOUS, 1, estimate())], "cost", "G"))
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    style = root.findtext("{http://www.w3.org/2000/svg}style", "")
    assert "var(" not in style
    assert ".dot.s0{" in style
    assert ".error.s7{" in style
    used = {name for part in root.iter() for name in part.get("class", "").split() if not name.startswith("s")}
    assert used <= {name for name in ("tick", "label", "grid", "axis", "error", "dot") if f".{name}" in style}
