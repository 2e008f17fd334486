"""A cascade shows the correlation after each stage."""

from __future__ import annotations

from tests.report.plots.examples import (
    CHARTS,
    parse,
    plotted,
    tips,
    words,
)


def test_each_cascade_line_has_its_points_below_the_limit_or_above() -> None:
    ax = plotted(CHARTS["cascade"])
    assert ax.lines[0].get_xydata().tolist() == [[0, 1.0], [1, 0.6], [2, 0.2], [3, -0.3]]
    assert ax.lines[2].get_ydata() == [0.5, 0.5]
    assert "limit 0.5" in words(CHARTS["cascade"])
    assert "slow ends at 0.100" in parse(CHARTS["cascade"]).get("aria-label", "")
    assert {"as trained", "blocks.1"} <= set(tips(CHARTS["cascade"]))
