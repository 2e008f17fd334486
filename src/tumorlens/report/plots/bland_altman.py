"""Two measurements of the same volumes -> Bland-Altman plot: their difference against their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tumorlens.stats import Estimate


@dataclass(frozen=True)
class BlandAltmanChart(Chart):
    """One dot for each volume, with the bias and the limits of agreement and their 95 % intervals (Bland, Altman 1986).

    Attributes:
        reference: (N,) measured by the reference.
        predicted: (N,) the same, predicted.
        bias: mean difference.
        lower: lower limit of agreement; NaN where there is none.
        upper: upper limit of agreement; likewise.
        unit: of all of them.
    """

    reference: Sequence[float]
    predicted: Sequence[float]
    bias: Estimate
    lower: Estimate
    upper: Estimate
    unit: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 320

    @property
    def description(self) -> str:
        """Bias and limits in words."""
        text = f"Bland-Altman plot of {len(self.reference)} volumes: bias {self.bias.value:+.1f} {self.unit}"
        if math.isnan(self.lower.value):
            return text
        return f"{text}, limits of agreement {self.lower.value:+.1f} to {self.upper.value:+.1f} {self.unit}"

    def _draw(self, ax: Axes) -> None:
        pairs = list(zip(self.reference, self.predicted, strict=True))
        ax.axhline(0, color="gray", linestyle=":", linewidth=1, zorder=1)
        for estimate, name, style in (
            (self.upper, "upper limit", "--"),
            (self.bias, "bias", "-"),
            (self.lower, "lower limit", "--"),
        ):
            if not math.isnan(estimate.value):
                self._line(ax, estimate, name, style)
        ax.plot([(one + other) / 2 for one, other in pairs], [other - one for one, other in pairs], "o", zorder=3)
        ax.set(xlabel=f"mean of reference and prediction ({self.unit})", ylabel=f"prediction - reference ({self.unit})")
        ax.margins(x=0.06, y=0.12)

    def _line(self, ax: Axes, estimate: Estimate, name: str, style: str) -> None:
        """A level with its interval as a band, named at the right outside of the axes, where no dot lies."""
        if estimate.low is not None and estimate.high is not None:
            ax.axhspan(estimate.low, estimate.high, color="gray", alpha=0.15, linewidth=0, zorder=0)
        ax.axhline(estimate.value, color="C1", linestyle=style, linewidth=1.5, zorder=2)
        text = f"{name}\n{estimate.value:+.1f}"
        ax.annotate(
            text,
            (1, estimate.value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
