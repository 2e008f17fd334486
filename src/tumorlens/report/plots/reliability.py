"""Bins of confidence -> reliability diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.svg import Frame, element, legend, svg, text, ticks
from tumorlens.report.text import with_interval

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

_TENTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """The predictions whose confidence lies from `low` to `high`.

    Attributes:
        low, high: the bin's edges, in [0, 1].
        confidence: mean confidence of these predictions; any value where `count` is 0.
        accuracy: the share of them that is right; any value where `count` is 0.
        count: their number.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class ReliabilityCurve:
    """The bins of a model, before or after its confidence was calibrated.

    Attributes:
        name: its name in the legend, for example ``"after temperature scaling"``.
        bins: from low to high confidence.
        error: expected calibration error; None to leave it out.
    """

    name: str
    bins: Sequence[ReliabilityBin]
    error: Estimate | None = None


@dataclass(frozen=True)
class ReliabilityChart:
    """Accuracy against confidence, with the diagonal of perfect calibration; the counts are shown below.

    A dot lies at the mean confidence of its bin; an empty bin has none. Below the diagonal the model
    is overconfident.

    Attributes:
        before: the model as it is.
        after: the calibrated model; None to show one curve only.
    """

    before: ReliabilityCurve
    after: ReliabilityCurve | None = None


def render_reliability(chart: ReliabilityChart) -> str:
    """The chart as one ``<svg>`` element."""
    states = [chart.before] if chart.after is None else [chart.before, chart.after]
    most = max((b.count for state in states for b in state.bins), default=0)
    frame = Frame(56, 10, 350, 250, _TENTHS, _TENTHS)
    counts = Frame(56, 276, 350, 54, _TENTHS, (0, ticks(0, max(most, 1), 2)[-1]))
    parts = [
        frame.axes("", "accuracy"),
        frame.path((0, 1), (0, 1), "chance", "perfectly calibrated"),
        text(frame.x(0.03), frame.y(0.93), "underconfident", class_="tick"),
        text(frame.x(0.97), frame.y(0.04), "overconfident", "end", "tick"),
        counts.axes("confidence of the prediction", "images"),
    ]
    for series, state in enumerate(states):
        parts += _dots(frame, state, series) + _bars(counts, state, series, len(states))
    parts.append(legend(56, 390, [(i, _legend_entry(state)) for i, state in enumerate(states)]))
    label = "Reliability diagram: " + "; ".join(_legend_entry(state) for state in states)
    return svg(420, 388 + 18 * len(states), label, parts)


def _dots(frame: Frame, state: ReliabilityCurve, series: int) -> list[str]:
    filled = [b for b in state.bins if b.count and math.isfinite(b.confidence) and math.isfinite(b.accuracy)]
    line = frame.path([b.confidence for b in filled], [b.accuracy for b in filled], f"line s{series}")
    return [
        line,
        *(
            element(
                "circle",
                cx=frame.x(b.confidence),
                cy=frame.y(b.accuracy),
                r=4.5,
                class_=f"dot s{series}",
                tip=f"{state.name}: {b.count} predictions, confidence {b.confidence:.3f}, accuracy {b.accuracy:.3f}",
            )
            for b in filled
        ),
    ]


def _bars(frame: Frame, state: ReliabilityCurve, series: int, states: int) -> list[str]:
    bars = []
    for b in (b for b in state.bins if b.count):
        share = (frame.x(b.high) - frame.x(b.low)) / states
        top = frame.y(b.count)
        bars.append(
            element(
                "rect",
                x=frame.x(b.low) + series * share + 0.5,
                y=top,
                width=max(share - 1, 0.5),
                height=frame.y(0) - top,
                class_=f"bar s{series}",
                tip=f"{state.name}: {b.count} predictions with confidence {b.low:.2f} to {b.high:.2f}",
            )
        )
    return bars


def _legend_entry(state: ReliabilityCurve) -> str:
    return state.name if state.error is None else f"{state.name}: ECE {with_interval(state.error)}"
