"""Estimates -> forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import label
from tumorlens.report.text import number, printable, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tumorlens.stats import Estimate

_ROW = 22  # CSS pixels


@dataclass(frozen=True)
class IntervalRow:
    """One row of the plot; without an estimate it is a heading of the following rows."""

    label: str
    estimate: Estimate | None = None


@dataclass(frozen=True)
class IntervalChart(Chart):
    """A forest plot: each estimate as a dot, its 95 % interval as a line, and both as numbers beside it.

    The axis covers the range of the rows. An undefined estimate keeps its line, which says "undefined".

    Attributes:
        rows: from top to bottom.
        percent: write proportions as percentages.
    """

    rows: Sequence[IntervalRow]
    percent: bool = True

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 54 + _ROW * max(len(self.rows), 1)

    @property
    def description(self) -> str:
        """The estimates in words."""
        values = (f"{printable(r.label)} {number(r.estimate.value, self.percent)}" for r in self.rows if r.estimate)
        return f"Estimates with 95 % intervals: {'; '.join(values)}"

    def _draw(self, ax: Axes) -> None:
        scale = 100 if self.percent else 1
        estimates = [(y, row.estimate) for y, row in enumerate(self.rows) if row.estimate]
        known = [(y, e) for y, e in estimates if math.isfinite(e.value)]
        whiskers = [(y, scale * e.low, scale * e.high) for y, e in known if e.low is not None and e.high is not None]
        ax.hlines([y for y, _, _ in whiskers], [low for _, low, _ in whiskers], [high for _, _, high in whiskers], "C0")
        ax.plot([scale * e.value for _, e in known], [y for y, _ in known], "o", color="C0")
        ends = [scale * e.value for _, e in known] + [end for _, *pair in whiskers for end in pair] or [0.0, scale]
        pad = 0.06 * (max(ends) - min(ends)) or 0.02 * scale
        ax.set(xlim=(min(ends) - pad, max(ends) + pad), ylim=(max(len(self.rows), 1) - 0.5, -0.5))
        ax.set_xlabel("percent, with 95 % interval" if self.percent else "value, with 95 % interval")
        ax.locator_params(axis="x", nbins=4)
        ax.set_yticks(range(len(self.rows)), [label(row.label, 21) for row in self.rows])
        for tick, row in zip(ax.get_yticklabels(), self.rows, strict=True):
            tick.set_label(printable(row.label))
            if row.estimate is None:
                tick.set_fontweight("bold")
        ax.tick_params(axis="y", length=0)
        ax.grid(False, axis="y")
        ax.spines[["left", "right", "top"]].set_visible(False)
        for y, estimate in estimates:
            place, value = ax.get_yaxis_transform(), with_interval(estimate, self.percent)
            ax.text(1.03, y, value, va="center", transform=place, label=f"{value}; {estimate.evidence}")
