"""Similarity after each stage of a cascading randomization -> curves that should fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below
from tumorlens.report.text import number, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class CascadeLine:
    """The values of one method after each stage.

    Attributes:
        name: its name in the legend.
        points: number of a stage, from 0 for the beginning, and the value after it; stages may be missing.
    """

    name: str
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class CascadeChart(Chart):
    """Lines over numbered stages, with a dashed limit that they should fall below.

    Attributes:
        lines: each may begin at another stage.
        stages: names of stages 1, 2 and so on, for the tooltips of the numbers on the axis.
        limit: the height of the dashed line.
        y_label: title of the y axis.
    """

    lines: Sequence[CascadeLine]
    stages: Sequence[str]
    limit: float
    y_label: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 280 + LINE * len(self.lines)

    @property
    def description(self) -> str:
        """The last value of each line in words."""
        ends = (f"{printable(line.name)} ends at {number(line.points[-1][1])}" for line in self.lines if line.points)
        return f"{self.y_label} over {len(self.stages)} stages, limit {self.limit:g}: " + "; ".join(ends)

    def _draw(self, ax: Axes) -> None:
        last = max(len(self.stages), 1)
        curves = [ax.plot(*zip(*line.points, strict=True) if line.points else ((), ()))[0] for line in self.lines]
        for curve in curves:
            curve.set(marker="o", markersize=4)
        ax.axhline(self.limit, color="gray", linestyle="--", linewidth=1)
        ax.annotate(
            f"limit {self.limit:g}", (last, self.limit), (0, 3), textcoords="offset points", ha="right", va="bottom"
        )
        values = [value for line in self.lines for _, value in line.points]
        low, high = min([0.0, *values]), max([1.0, *values])
        ax.set(xlim=(-0.03 * last, 1.03 * last), ylim=(low - 0.04 * (high - low), high + 0.04 * (high - low)))
        ax.set(xlabel="random stages, counted from the last", ylabel=self.y_label)
        step = -(-last // 20)
        ax.set_xticks(range(0, last + 1, step))
        for tick, name in zip(ax.get_xticklabels(), ["as trained", *self.stages][::step], strict=False):
            tick.set_label(printable(name))
        legend_below(ax, curves, [label(line.name, 44) for line in self.lines], left=40)
