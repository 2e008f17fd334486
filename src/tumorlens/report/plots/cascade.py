"""Similarity after each stage of a cascading randomization -> curves that should fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tumorlens.report.plots.svg import SERIES, Frame, element, legend, svg, text, ticks
from tumorlens.report.text import number

_LEFT, _TOP, _WIDE, _HIGH = 56, 12, 520, 220


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
class CascadeChart:
    """Lines over numbered stages, with a dashed limit that they should fall below.

    Attributes:
        lines: each may begin at another stage.
        stages: names of stages 1, 2 and so on, for the tooltips.
        limit: the height of the dashed line.
        y_label: title of the y axis.
    """

    lines: Sequence[CascadeLine]
    stages: Sequence[str]
    limit: float
    y_label: str


def render_cascade(chart: CascadeChart) -> str:
    """The chart as one ``<svg>`` element."""
    lines, stages, limit, y_label = chart.lines, chart.stages, chart.limit, chart.y_label
    values = [value for line in lines for _, value in line.points]
    last = max(len(stages), 1)
    x_ticks = [float(i) for i in range(last + 1)]
    frame = Frame(_LEFT, _TOP, _WIDE, _HIGH, x_ticks, ticks(min([0.0, *values]), max([1.0, *values]), 5))
    across = frame.y(limit)
    parts = [
        frame.axes("random stages, counted from the last", y_label),
        element("line", x1=_LEFT, x2=_LEFT + _WIDE, y1=across, y2=across, class_="best"),
        text(_LEFT + _WIDE, across - 5, f"limit {limit:g}", "end", "label"),
    ]
    parts += [_line(frame, line, i, stages) for i, line in enumerate(lines)]
    bottom = _TOP + _HIGH + 56
    parts.append(legend(_LEFT, bottom, [(i, line.name) for i, line in enumerate(lines)]))
    ends = (f"{line.name} ends at {number(line.points[-1][1])}" for line in lines if line.points)
    label = f"{y_label} over {len(stages)} stages, limit {limit:g}: " + "; ".join(ends)
    return svg(_LEFT + _WIDE + 14, bottom + 18 * len(lines), label, parts)


def _line(frame: Frame, line: CascadeLine, series: int, stages: Sequence[str]) -> str:
    color = f"s{series % SERIES}"
    dots = [
        element(
            "circle",
            cx=frame.x(stage),
            cy=frame.y(value),
            r=2.5,
            class_=f"dot {color}",
            tip=f"{line.name}, {f'{stage}: {stages[stage - 1]}' if stage else 'as trained'}: {value:.3f}",
        )
        for stage, value in line.points
    ]
    xs, ys = [stage for stage, _ in line.points], [value for _, value in line.points]
    return frame.path(xs, ys, f"line {color}") + "".join(dots)
