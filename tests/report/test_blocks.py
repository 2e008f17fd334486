"""A heat table has the numbers that its colors show; cells are never blank, and links lead to neighbors alone."""

from __future__ import annotations

import re

import pytest

from tumorlens.report import HeatCell, ReadingHelp, TableBlock, heat_table, links, render_blocks, table

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


def test_an_empty_cell_is_a_dash_and_a_number_breaks_before_its_interval() -> None:
    (block,) = made = table(["", "value"], [("one", ""), ("two", "97.2 % (94.9 to 98.6)")], reading=READING)
    assert isinstance(block, TableBlock)
    assert [row[1] for row in block.rows] == ["–", "97.2 % (94.9 to 98.6)"]
    assert '<td class="number">97.2 %<wbr> (94.9 to 98.6)</td>' in render_blocks(made)


def test_links_are_relative_to_the_page() -> None:
    html = render_blocks(links("Reports:", [("fold-0", "fold-0/report.html"), ("fold 1", "fold 1/report.html")]))
    assert '<p>Reports: <a href="fold-0/report.html">fold-0</a>, <a href="fold%201/report.html">fold 1</a>.</p>' in html
    for address in ("https://example.org/a.html", "javascript:alert(1)", "/etc/passwd", "//example.org/a"):
        with pytest.raises(ValueError, match="expected one relative to the page"):
            links("Reports:", [("a", address)])
