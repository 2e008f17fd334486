"""A reliability diagram shows the bins that hold images."""

from __future__ import annotations

import pytest

from tests.report.plots.examples import (
    CHARTS,
    bins,
    estimate,
    legend,
    plotted,
)
from tumorlens.report.plots import (
    ReliabilityBin,
    ReliabilityChart,
    ReliabilityCurve,
)


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
