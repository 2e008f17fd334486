"""Estimates -> forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.svg import Frame, element, svg, text, ticks
from tumorlens.report.text import number, shorten, with_interval

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

_ROW = 24


@dataclass(frozen=True)
class IntervalRow:
    """One row of the plot; without an estimate it is a heading of the following rows."""

    label: str
    estimate: Estimate | None = None


@dataclass(frozen=True)
class IntervalChart:
    """A forest plot: each estimate as a dot, its 95 % interval as a line, and both as numbers beside it.

    The axis covers the range of the rows. An undefined estimate keeps its line, which says "undefined".

    Attributes:
        rows: from top to bottom.
        percent: write proportions as percentages.
    """

    rows: Sequence[IntervalRow]
    percent: bool = True


def render_intervals(chart: IntervalChart) -> str:
    """The chart as one ``<svg>`` element."""
    rows, percent = chart.rows, chart.percent
    scale = 100 if percent else 1
    known = [row.estimate for row in rows if row.estimate and math.isfinite(row.estimate.value)]
    ends = [scale * v for e in known for v in (e.value, e.low, e.high) if v is not None]
    marks = ticks(min(ends), max(ends), 4) if ends else [0.0, scale / 2, float(scale)]
    frame = Frame(146, 6, 188, _ROW * max(len(rows), 1), marks, (0, 1))
    bottom = frame.top + frame.height
    parts = []
    for value in marks:
        at = frame.x(value)
        parts.append(element("line", x1=at, x2=at, y1=frame.top, y2=bottom, class_="grid"))
        parts.append(text(at, bottom + 16, f"{value:g}", "middle", "tick"))
    parts.append(element("path", d=f"M{frame.left} {bottom}h{frame.width}", class_="axis"))
    for i, row in enumerate(rows):
        parts.append(_row(frame, row, frame.top + _ROW * (i + 0.5), scale, percent))
    axis_title = "percent, with 95 % interval" if percent else "value, with 95 % interval"
    parts.append(text(frame.left + frame.width / 2, bottom + 34, axis_title, "middle", "label"))
    values = "; ".join(f"{row.label} {number(row.estimate.value, percent)}" for row in rows if row.estimate)
    return svg(490, bottom + 42, f"Estimates with 95 % intervals: {values}", parts)


def _row(frame: Frame, row: IntervalRow, y: float, scale: float, percent: bool) -> str:
    if row.estimate is None:
        return text(0, y + 4, shorten(row.label, 70), class_="label", tip=row.label)
    estimate = row.estimate
    value = with_interval(estimate, percent)
    parts = [text(136, y + 4, shorten(row.label, 21), "end"), text(344, y + 4, value)]
    if math.isfinite(estimate.value):
        if estimate.low is not None and estimate.high is not None:
            low, high = frame.x(scale * estimate.low), frame.x(scale * estimate.high)
            parts.append(element("line", x1=low, x2=high, y1=y, y2=y, class_="whisker"))
        parts.append(element("circle", cx=frame.x(scale * estimate.value), cy=y, r=4.0, class_="dot s0"))
    return element("g", *parts, tip=f"{row.label}: {value}; {estimate.evidence}")
