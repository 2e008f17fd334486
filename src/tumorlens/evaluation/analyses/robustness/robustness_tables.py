"""Robustness -> its figures as people read them on a terminal: a line for each artifact."""

from __future__ import annotations

from collections.abc import Callable

from tumorlens.evaluation.analyses.robustness.corruptions import SEVERITIES
from tumorlens.evaluation.analyses.robustness.result import Robustness, Summary
from tumorlens.stats import Estimate

Grid = tuple[list[str], list[list[str]]]
"""Headings and rows."""


def lines(found: Robustness) -> list[Grid]:
    """Accuracy, and Dice where the network draws: clean, severity 1 to 5, and the mean with its interval."""
    rows = [(row.title, [cell.accuracy for cell in row.cells], row.accuracy) for row in found.rows]
    tables = [_table("accuracy, %", rows, found.accuracy, lambda one: f"{100 * one.value:.1f}", Estimate.percent)]
    if found.dice:
        drawn = [
            (row.title, [cell.dice for cell in row.cells if cell.dice], row.dice) for row in found.rows if row.dice
        ]
        tables.append(_table("Dice", drawn, found.dice, lambda one: f"{one.value:.3f}", str))
    return tables


def _table(
    name: str,
    rows: list[tuple[str, list[Estimate], Estimate]],
    summary: Summary,
    short: Callable[[Estimate], str],
    long: Callable[[Estimate], str],
) -> Grid:
    clean = short(summary.clean)
    body = []
    for title, cells, mean in [*rows, ("all of them", list(summary.severities), summary.mean)]:
        figures = [short(cell) for cell in cells]
        body.append([title, clean, *figures, *[""] * (SEVERITIES - len(figures)), long(mean)])
    return [name, "clean", *(str(i) for i in range(1, SEVERITIES + 1)), "mean"], body
