"""Accuracy and cost of networks -> scatter plot with error bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.svg import SERIES, Frame, element, svg, text, ticks
from tumorlens.report.text import number, shorten, with_interval

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

_LEFT, _WIDE, _HIGH = 56, 540, 260
_SPACING = 13.0  # between dots, so that the numbers above them do not overlap


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
class CostChart:
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


def render_costs(chart: CostChart) -> str:
    """The chart as one ``<svg>`` element."""
    points, cost, unit = chart.points, chart.cost, chart.unit
    frame, marks = _frame(points)
    title = f"{cost}, {unit}" if unit else cost
    parts = [frame.axes("", "accuracy, percent")]
    for value in marks:
        parts.append(text(frame.x(math.log10(value)), frame.top + _HIGH + 16, f"{value:g}", "middle", "tick"))
    parts.append(text(_LEFT + _WIDE / 2, frame.top + _HIGH + 34, title, "middle", "label"))
    names = list(dict.fromkeys(point.name for point in points))
    for i, at in _side_by_side({i: frame.x(math.log10(p.cost)) for i, p in enumerate(points) if _defined(p)}):
        parts.append(_dot(frame, points[i], at, i + 1, names.index(points[i].name)))
    top = frame.top + _HIGH + 62
    for i, point in enumerate(points):
        parts.append(_entry(point, top + 18 * i, i + 1, names.index(point.name), unit))
    values = "; ".join(f"{p.name} {number(p.accuracy.value, True)} at {_cost(p, unit)}" for p in points)
    return svg(_LEFT + _WIDE + 24, top + 18 * len(points), f"Accuracy against {title}: {values}", parts)


def _frame(points: Sequence[CostPoint]) -> tuple[Frame, list[float]]:
    """The plotting area with a logarithmic x axis, and the costs at its ticks: 1, 2 and 5 of every power of ten."""
    costs = [point.cost for point in points]
    steps = [digit * 10.0**power for power in range(-9, 16) for digit in (1, 2, 5)]
    first = max(i for i, step in enumerate(steps) if step <= min(costs) * 0.9)
    last = min(i for i, step in enumerate(steps) if step >= max(costs) * 1.1)
    marks = steps[first : last + 1]
    shown = marks if len(marks) <= 10 else [mark for mark in marks if f"{mark:e}".startswith("1")]
    grid = [math.log10(mark) for mark in dict.fromkeys([marks[0], *shown, marks[-1]])]
    ends = [e for p in points if _defined(p) for e in (p.accuracy.value, p.accuracy.low, p.accuracy.high)]
    known = [100 * end for end in ends if end is not None] or [0.0, 100.0]
    return Frame(_LEFT, 22, _WIDE, _HIGH, grid, ticks(min(known), max(known), 5)), shown


def _side_by_side(centers: dict[int, float]) -> list[tuple[int, float]]:
    """Positions of points: points that are too close are spread around their common center."""
    groups = [[i] for i in sorted(centers, key=centers.__getitem__)]

    def positions(group: list[int]) -> list[float]:
        center = sum(centers[i] for i in group) / len(group)
        return [center + _SPACING * (k - (len(group) - 1) / 2) for k in range(len(group))]

    at = 0
    while at + 1 < len(groups):
        if positions(groups[at + 1])[0] - positions(groups[at])[-1] < _SPACING:
            groups[at : at + 2] = [groups[at] + groups[at + 1]]
            at = max(0, at - 1)
        else:
            at += 1
    return [pair for group in groups for pair in zip(group, positions(group), strict=True)]


def _dot(frame: Frame, point: CostPoint, at: float, row: int, series: int) -> str:
    color, accuracy = f"s{series % SERIES}", point.accuracy
    middle = top = frame.y(100 * accuracy.value)
    parts = []
    if accuracy.low is not None and accuracy.high is not None:
        bottom, top = frame.y(100 * accuracy.low), frame.y(100 * accuracy.high)
        bar = f"M{at:.1f} {bottom:.1f}V{top:.1f}M{at - 4:.1f} {bottom:.1f}h8M{at - 4:.1f} {top:.1f}h8"
        parts.append(element("path", d=bar, class_=f"error {color}"))
    parts.append(element("circle", cx=at, cy=middle, r=4.5, class_=f"dot {color}"))
    parts.append(text(at, min(top, middle - 5) - 5, str(row), "middle"))
    return element("g", *parts, tip=f"{_name(point)}: {with_interval(accuracy, True)}; {accuracy.evidence}")


def _entry(point: CostPoint, y: float, row: int, series: int, unit: str) -> str:
    line = f"{shorten(_name(point), 44)}: {with_interval(point.accuracy, True)} at {_cost(point, unit)}"
    return element(
        "g",
        text(_LEFT - 8, y + 4, str(row), "end"),
        element("circle", cx=_LEFT + 4, cy=y, r=4.5, class_=f"dot s{series % SERIES}"),
        text(_LEFT + 16, y + 4, line),
        tip=f"{_name(point)}; {point.accuracy.evidence}",
    )


def _defined(point: CostPoint) -> bool:
    return math.isfinite(point.accuracy.value)


def _cost(point: CostPoint, unit: str) -> str:
    return f"{point.cost:.3g} {unit}".rstrip()


def _name(point: CostPoint) -> str:
    return f"{point.note}, {point.name}" if point.note else point.name
