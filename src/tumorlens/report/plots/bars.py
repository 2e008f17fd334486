"""Counts by kind -> stacked horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below
from tumorlens.report.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 24  # CSS pixels


@dataclass(frozen=True)
class BarRow:
    """One bar; without counts it is a heading of the following bars.

    Attributes:
        label: its name.
        counts: one for each kind, left to right.
    """

    label: str
    counts: Sequence[int] = ()


@dataclass(frozen=True)
class StackedBarChart(Chart):
    """Horizontal bars, each divided by kind, with its numbers beside it.

    Attributes:
        rows: from top to bottom.
        kinds: names of the kinds, in the order of the counts.
        x_label: what is counted.

    Raises:
        ValueError: a row has another number of counts than there are kinds.
    """

    rows: Sequence[BarRow]
    kinds: Sequence[str]
    x_label: str

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.counts and len(row.counts) != len(self.kinds):
                raise ValueError(f"{len(row.counts)} counts in row {row.label!r}; expected {len(self.kinds)}")

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 60 + _ROW * max(len(self.rows), 1) + LINE * len(self.kinds)

    @property
    def description(self) -> str:
        """The counts in words."""
        return f"{self.x_label}: " + "; ".join(
            printable(row.label) + (" " + self._words(row) if row.counts else ":") for row in self.rows
        )

    def _words(self, row: BarRow) -> str:
        return ", ".join(f"{count:,} {printable(kind)}" for kind, count in zip(self.kinds, row.counts, strict=True))

    def _draw(self, ax: Axes) -> None:
        bars = [(y, row) for y, row in enumerate(self.rows) if row.counts]
        lefts = [0] * len(bars)
        handles = []
        for kind in range(len(self.kinds)):
            counts = [row.counts[kind] for _, row in bars]
            handles.append(ax.barh([y for y, _ in bars], counts, 0.7, lefts, color=f"C{kind}"))
            lefts = [left + count for left, count in zip(lefts, counts, strict=True)]
        ax.set(ylim=(max(len(self.rows), 1) - 0.5, -0.5), xlabel=self.x_label)
        ax.locator_params(axis="x", nbins=5, integer=True)
        ax.set_yticks(range(len(self.rows)), [label(row.label, 20) for row in self.rows])
        for tick, row in zip(ax.get_yticklabels(), self.rows, strict=True):
            tick.set_label(printable(row.label))
            if not row.counts:
                tick.set_fontweight("bold")
        for (y, row), total in zip(bars, lefts, strict=True):
            words = " + ".join(f"{count:,}" for count in row.counts)
            ax.annotate(words, (total, y), (4, 0), textcoords="offset points", va="center", label=self._words(row))
        ax.tick_params(axis="y", length=0)
        ax.grid(False, axis="y")
        legend_below(ax, handles, [label(kind, 44) for kind in self.kinds], left=40)
