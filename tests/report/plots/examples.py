"""One chart of every kind, and how tests read them."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tumorlens.report.plots import (
    BarRow,
    BlandAltmanChart,
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
from tumorlens.stats import Estimate

CLASSES = ["glioma", "meningioma", "pituitary", "no_tumor"]
COUNTS = np.array([[288, 4, 0, 1], [9, 121, 6, 2], [0, 2, 178, 1], [1, 0, 0, 139]])
MALICIOUS = "</svg><script>\"'&\x00"
NAN = float("nan")


def estimate(value: float = 0.97, low: float | None = 0.95, high: float | None = 0.99) -> Estimate:
    return Estimate(value, low, high, 752, 43, "patient", "bootstrap" if low is not None else "none")


def curve(name: str, value: float = 0.97) -> RocCurve:
    return RocCurve(name, [0, 0.1, 1], [0, 0.9, 1], estimate(value))


def points(name: str) -> PrecisionRecallCurve:
    return PrecisionRecallCurve(name, [0, 0.5, 1], [1, 0.9, 0.2], 0.2)


def bins(counts: list[int]) -> list[ReliabilityBin]:
    n = len(counts)
    return [
        ReliabilityBin(i / n, (i + 1) / n, (i + 0.5) / n if c else NAN, 0.5 if c else NAN, c)
        for i, c in enumerate(counts)
    ]


CHARTS: dict[str, Chart] = {
    "matrix": ConfusionChart(COUNTS, CLASSES),
    "roc": RocChart([curve(name) for name in CLASSES]),
    "precision_recall": PrecisionRecallChart([points(name) for name in CLASSES]),
    "reliability": ReliabilityChart(
        ReliabilityCurve("before", bins([0, 0, 7, 90]), estimate(0.033, 0.02, 0.05)),
        ReliabilityCurve("after", bins([0, 3, 14, 80]), estimate(0.013, 0.01, 0.02)),
    ),
    "forest": IntervalChart([IntervalRow("sensitivity"), IntervalRow("glioma", estimate())]),
    "training": TrainingCurves(
        [EpochSeries("train loss", [1.0, 0.5, 0.4])], [EpochSeries("validation accuracy", [0.7, 0.9, 0.8])], best=2
    ),
    "cascade": CascadeChart(
        [
            CascadeLine("Grad-CAM", [(0, 1.0), (1, 0.6), (2, 0.2), (3, -0.3)]),
            CascadeLine("slow", [(0, 1.0), (3, 0.1)]),
        ],
        ["head", "blocks.1", "stem"],
        0.5,
        "rank correlation",
    ),
    "bland_altman": BlandAltmanChart(
        [10.0, 20.0, 40.0], [12.0, 25.0, 38.0], estimate(1.7, -1, 4), estimate(-5, -8, -1), estimate(8, 4, 12), "ml"
    ),
    "costs": CostChart(
        [CostPoint("small", 0.08, estimate(0.9, 0.85, 0.95), "fold 1"), CostPoint("large", 15, estimate())],
        "multiply-adds",
        "G",
    ),
    "bars": StackedBarChart(
        [BarRow("test"), BarRow("glioma", (100, 20, 7)), BarRow("meningioma", (90, 0, 0))],
        ["unique", "duplicates", "leaked"],
        "images",
    ),
}


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
    """The texts of a chart on a page."""
    return [element.text or "" for element in parse(chart).iter("text")]


def tips(chart: Chart) -> list[str]:
    """The tooltips of a chart on a page."""
    return [title.text or "" for title in parse(chart).iter("title")]


def plotted(chart: Chart) -> Axes:
    """The Axes of a chart in a figure of its own."""
    return chart.plot(Figure().add_subplot())


def legend(ax: Axes) -> list[str]:
    """The labels of the legend of a figure."""
    found = [panel.get_legend() for panel in ax.figure.axes if panel.get_legend()]
    return [text.get_text() for text in found[0].get_texts()]
