"""Loss and score of each epoch -> training curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tumorlens.report.plots.svg import SERIES, Frame, element, legend, svg, text, ticks
from tumorlens.report.text import number

_LEFT, _WIDE, _HIGH = 56, 350, 140


@dataclass(frozen=True)
class EpochSeries:
    """A loss or a score over the epochs.

    Attributes:
        name: its name in the legend, for example ``"validation loss"``.
        values: one for each epoch, the first epoch first; NaN where the epoch has none.
    """

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class TrainingCurves:
    """Two panels over one axis of epochs: the losses, and below them the validation scores.

    Attributes:
        losses: usually training and validation loss.
        scores: usually the score that selected the best epoch; without scores there is no second panel.
        best: number of the epoch whose weights were kept, counted from 1; marked in both panels.
    """

    losses: Sequence[EpochSeries]
    scores: Sequence[EpochSeries] = ()
    best: int | None = None


def render_training_curves(chart: TrainingCurves) -> str:
    """The chart as one ``<svg>`` element."""
    losses, scores, best = chart.losses, chart.scores, chart.best
    panels = [("loss", losses), ("score", scores)] if scores else [("loss", losses)]
    lines = [*losses, *scores]
    epochs = max((len(s.values) for s in lines), default=0)
    x_ticks = _epoch_ticks(max(epochs, best or 1))
    parts, series, top = [], 0, 18.0
    for i, (name, panel) in enumerate(panels):
        finite = [v for line in panel for v in line.values if math.isfinite(v)]
        y_ticks = ticks(min(finite), max(finite), 4) if finite else [0.0, 1.0]
        frame = Frame(_LEFT, top, _WIDE, _HIGH, x_ticks, y_ticks)
        parts.append(frame.axes("epoch" if i == len(panels) - 1 else "", name))
        if best is not None:
            parts.append(_best(frame, best, label=i == 0))
        for line in panel:
            parts.append(_line(frame, line, series, best))
            series += 1
        top += _HIGH + 20
    entries = [(i, line.name) for i, line in enumerate(lines)]
    parts.append(legend(_LEFT, top + 40, entries))
    return svg(420, top + 38 + 18 * len(entries), _label(lines, epochs, best), parts)


def _line(frame: Frame, line: EpochSeries, series: int, best: int | None) -> str:
    color = f"s{series % SERIES}"
    epochs = range(1, len(line.values) + 1)
    small = min(2.5, 90 / max(len(line.values), 1))  # the dots of a long training must not overlap
    dots = [
        element(
            "circle",
            cx=frame.x(epoch),
            cy=frame.y(value),
            r=4.5 if epoch == best else small,
            class_=f"dot {color}",
            tip=f"epoch {epoch}: {line.name} {value:.4f}",
        )
        for epoch, value in zip(epochs, line.values, strict=True)
        if math.isfinite(value)
    ]
    return frame.path(epochs, line.values, f"line {color}") + "".join(dots)


def _best(frame: Frame, best: int, label: bool) -> str:
    at, bottom = frame.x(best), frame.top + frame.height
    rule = element("line", x1=at, x2=at, y1=frame.top, y2=bottom, class_="best")
    if not label:
        return rule
    anchor = "end" if at > frame.left + frame.width * 0.7 else "start"
    return rule + text(at, frame.top - 6, f"kept: epoch {best}", anchor, "label")


def _epoch_ticks(last: int) -> list[float]:
    if last <= 10:
        return [float(i) for i in range(1, max(last, 2) + 1)]
    return [1.0, *(value for value in ticks(0, last, 6) if value > 1)]


def _label(lines: Sequence[EpochSeries], epochs: int, best: int | None) -> str:
    ends = (f"{line.name} ends at {number(line.values[-1])}" for line in lines if len(line.values))
    kept = "" if best is None else f", epoch {best} kept"
    return f"Training curves over {epochs} epochs{kept}: " + "; ".join(ends)
