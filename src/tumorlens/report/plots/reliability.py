"""Bins of confidence -> reliability diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below, panel_below
from tumorlens.report.text import printable, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tumorlens.stats import Estimate


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
class ReliabilityChart(Chart):
    """Accuracy against confidence, with the diagonal of perfect calibration; the counts are shown below.

    A dot lies at the mean confidence of its bin; an empty bin has none. Below the diagonal the model
    is overconfident.

    Attributes:
        before: the model as it is.
        after: the calibrated model; None to show one curve only.
    """

    before: ReliabilityCurve
    after: ReliabilityCurve | None = None

    @property
    def curves(self) -> tuple[ReliabilityCurve, ...]:
        """The one curve or both."""
        return (self.before,) if self.after is None else (self.before, self.after)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 390 + LINE * len(self.curves)

    @property
    def description(self) -> str:
        """The calibration errors in words."""
        return "Reliability diagram: " + "; ".join(_legend_entry(printable(c.name), c) for c in self.curves)

    def _draw(self, ax: Axes) -> None:
        counts = panel_below(ax, 0.3)
        ax.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1, zorder=1)
        ax.text(0.03, 0.95, "underconfident", va="top", color="dimgray")
        ax.text(0.97, 0.04, "overconfident", ha="right", color="dimgray")
        lines = []
        for i, curve in enumerate(self.curves):
            filled = [b for b in curve.bins if b.count and math.isfinite(b.confidence) and math.isfinite(b.accuracy)]
            line = ax.plot([b.confidence for b in filled], [b.accuracy for b in filled], marker="o")[0]
            bars = [b for b in curve.bins if b.count]
            widths = [(b.high - b.low) / len(self.curves) for b in bars]
            lefts = [b.low + i * width for b, width in zip(bars, widths, strict=True)]
            counts.bar(lefts, [b.count for b in bars], widths, align="edge", color=line.get_color())
            lines.append(line)
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), ylabel="accuracy")
        counts.set(xlabel="confidence of the prediction", ylabel="images")
        counts.locator_params(axis="y", nbins=3)
        legend_below(counts, lines, [_legend_entry(label(c.name, 24), c) for c in self.curves], left=40)


def _legend_entry(name: str, curve: ReliabilityCurve) -> str:
    return name if curve.error is None else f"{name}: ECE {with_interval(curve.error)}"
