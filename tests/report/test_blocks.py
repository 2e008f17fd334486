"""A heat table has the numbers that its colors show."""

from __future__ import annotations

import re

import pytest

from tumorlens.report import HeatCell, ReadingHelp, heat_table, render_blocks

READING = ReadingHelp("s", "b", "w", "t")


def test_cells_with_more_heat_are_warmer_and_names_are_escaped() -> None:
    cells = [HeatCell("95.0", "90 to 98"), HeatCell("60.1", heat=0.5, title='a "b"'), HeatCell("1", heat=9.0)]
    html = render_blocks(heat_table(["", "one", "two", "<3>"], [("<noise>", cells)], reading=READING))
    assert "&lt;noise&gt;" in html
    assert "&lt;3&gt;" in html
    assert 'title="a &#34;b&#34;"' in html
    assert "95.0<small>90 to 98</small>" in html
    warmth = [float(value) for value in re.findall(r"rgba\(\d+,\d+,\d+,([\d.]+)\)", html)]
    assert len(warmth) == 2  # the cold one has no color
    assert 0 < warmth[0] < warmth[1] <= 0.6


def test_a_wide_cell_spans_columns_and_a_row_of_another_width_is_an_error() -> None:
    assert 'colspan="3"' in render_blocks(
        heat_table(["", "1", "2", "3"], [("flip", [HeatCell("5", wide=3)])], reading=READING)
    )
    with pytest.raises(ValueError, match="'flip' fills 1 columns of 3"):
        heat_table(["", "1", "2", "3"], [("flip", [HeatCell("5")])], reading=READING)
