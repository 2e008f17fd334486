"""Networks are dots of cost and accuracy, each with its number and its values."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.report.plots.examples import (
    CHARTS,
    NAN,
    estimate,
    legend,
    plotted,
    words,
)
from tumorlens.report.plots import (
    CostChart,
    CostPoint,
)


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
