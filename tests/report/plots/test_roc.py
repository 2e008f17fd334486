"""A ROC curve has the points of the data, and its area with the interval."""

from __future__ import annotations

import numpy as np

from tests.report.plots.examples import (
    CHARTS,
    CLASSES,
    NAN,
    curve,
    estimate,
    legend,
    parse,
    plotted,
)
from tumorlens.report.plots import (
    RocChart,
    RocCurve,
    render_chart,
)


def test_roc_names_each_class_with_its_area_and_interval() -> None:
    assert legend(plotted(CHARTS["roc"])) == [f"{name}: AUROC 0.970 (0.950 to 0.990)" for name in CLASSES]
    assert "glioma 0.970" in parse(CHARTS["roc"]).get("aria-label", "")


def test_roc_lists_a_class_with_an_undefined_area() -> None:
    ax = plotted(RocChart([curve("glioma"), RocCurve("rare", [], [], estimate(NAN, None, None))]))
    assert "rare: AUROC undefined" in legend(ax)


def test_the_plotted_curve_has_the_points_of_the_data() -> None:
    ax = plotted(RocChart([curve("glioma")]))
    np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [(0, 0), (0.1, 0.9), (1, 1)])


def test_a_curve_of_a_hundred_thousand_points_stays_small() -> None:
    rate = np.linspace(0, 1, 100_000)
    assert len(render_chart(RocChart([RocCurve("glioma", rate, np.sqrt(rate), estimate())]))) < 150_000
