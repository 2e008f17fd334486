"""Accuracy and cost of networks -> scatter plot with error bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below
from tumorlens.report.text import number, printable, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

    from tumorlens.stats import Estimate

_SPACING = 0.03  # of the width between dots, so that the numbers above them do not overlap


@dataclass(frozen=True)
class CostPoint:
    """One evaluated network.

    Attributes:
        name: of the network; points with the same name have the same color.
        cost: above 0, in the unit of the axis.
        accuracy: with its interval.
        note: distinguishes points with the same name, for example the run; may be empty.
    """

    name: str
    cost: float
    accuracy: Estimate
    note: str = ""


@dataclass(frozen=True)
class CostChart(Chart):
    """Each network as a numbered dot with its 95 % interval, cost on a logarithmic axis; a legend has the values.

    Dots of about the same cost are placed side by side; the legend has the exact cost.

    Attributes:
        points: in the order of the legend; points with an undefined accuracy appear only there.
        cost: title of the cost axis.
        unit: of the costs; may be empty.

    Raises:
        ValueError: a cost is not above 0, or there are no points.
    """

    points: Sequence[CostPoint]
    cost: str
    unit: str

    def __post_init__(self) -> None:
        if not self.points or any(point.cost <= 0 for point in self.points):
            raise ValueError(
                "no point, or a cost of 0 or less found; expected at least one point, each with a cost above 0"
            )

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 560, 330 + LINE * len(self.points)

    @property
    def description(self) -> str:
        """Accuracy and cost of each network in words."""
        values = (f"{printable(p.name)} {number(p.accuracy.value, True)} at {self._cost(p)}" for p in self.points)
        return f"Accuracy against {self._title}: {'; '.join(values)}"

    def _draw(self, ax: Axes) -> None:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

        costs = [point.cost for point in self.points]
        low, high = math.log10(min(costs)) - 0.1, math.log10(max(costs)) + 0.1
        names = list(dict.fromkeys(point.name for point in self.points))
        known = {i: math.log10(p.cost) for i, p in enumerate(self.points) if math.isfinite(p.accuracy.value)}
        places = dict(_side_by_side(known, _SPACING * (high - low)))
        handles = [
            _dot(ax, point.accuracy, 10 ** places.get(i, low), str(i + 1), f"C{names.index(point.name)}")
            for i, point in enumerate(self.points)
        ]
        places_log = [low, high, *(place for place in places.values())]
        ax.set(xscale="log", xlim=(10 ** (min(places_log) - 0.02), 10 ** (max(places_log) + 0.02)))
        subs = (1, 2, 3, 4, 5, 7) if high - low < 1 else (1, 2, 5) if high - low < 3 else (1,)  # of each power of ten
        ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set(xlabel=self._title, ylabel="accuracy, percent")
        ax.margins(y=0.12)
        entries = [
            f"{i}. {label(_name(p), 48)}: {with_interval(p.accuracy, True)} at {self._cost(p)}"
            for i, p in enumerate(self.points, start=1)
        ]
        legend_below(ax, handles, entries, left=40)

    @property
    def _title(self) -> str:
        return f"{self.cost}, {self.unit}" if self.unit else self.cost

    def _cost(self, point: CostPoint) -> str:
        return f"{point.cost:.3g} {self.unit}".rstrip()


def _dot(ax: Axes, accuracy: Estimate, cost: float, row: str, color: str) -> ErrorbarContainer:
    """A dot with its interval and its number; an undefined accuracy is only in the legend."""
    low, high = (accuracy.value if end is None else end for end in (accuracy.low, accuracy.high))
    top = 100 * accuracy.value
    bars = [[100 * (accuracy.value - low)], [100 * (high - accuracy.value)]]
    if math.isfinite(top):
        ax.annotate(row, (cost, 100 * high), (0, 6), textcoords="offset points", ha="center")
    return ax.errorbar([cost], [top], bars, fmt="o", color=color, capsize=4)


def _side_by_side(centers: dict[int, float], spacing: float) -> list[tuple[int, float]]:
    """Positions of points: points closer than `spacing` are spread around their common center."""
    groups = [[i] for i in sorted(centers, key=centers.__getitem__)]

    def positions(group: list[int]) -> list[float]:
        center = sum(centers[i] for i in group) / len(group)
        return [center + spacing * (k - (len(group) - 1) / 2) for k in range(len(group))]

    at = 0
    while at + 1 < len(groups):
        if positions(groups[at + 1])[0] - positions(groups[at])[-1] < spacing:
            groups[at : at + 2] = [groups[at] + groups[at + 1]]
            at = max(0, at - 1)
        else:
            at += 1
    return [pair for group in groups for pair in zip(group, positions(group), strict=True)]


def _name(point: CostPoint) -> str:
    return f"{point.note}, {point.name}" if point.note else point.name
