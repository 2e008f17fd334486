"""Stacked bars show the count of each kind."""

from __future__ import annotations

import pytest

from tests.report.plots.examples import (
    CHARTS,
    legend,
    parse,
    plotted,
    words,
)
from tumorlens.report.plots import (
    BarRow,
    StackedBarChart,
)


def test_bars_are_stacked_with_their_counts() -> None:
    ax = plotted(CHARTS["bars"])
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches[::2]] == [(0, 100), (100, 20), (120, 7)]
    assert "100 + 20 + 7" in words(CHARTS["bars"])
    assert legend(ax) == ["unique", "duplicates", "leaked"]
    assert "glioma 100 unique, 20 duplicates, 7 leaked" in parse(CHARTS["bars"]).get("aria-label", "")


def test_a_bar_with_another_number_of_kinds_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 counts in row 'a'; expected 1"):
        StackedBarChart([BarRow("a", (1, 2))], ["images"], "images")
