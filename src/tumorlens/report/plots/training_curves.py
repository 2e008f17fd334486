"""Loss and score of each epoch -> training curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below, panel_below
from tumorlens.report.text import number, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


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
class TrainingCurves(Chart):
    """Two panels over one axis of epochs: the losses, and below them the validation scores.

    Attributes:
        losses: usually training and validation loss.
        scores: usually the score that selected the best epoch; without scores there is no second panel.
        best: number of the epoch whose weights were kept, counted from 1; marked in both panels.
    """

    losses: Sequence[EpochSeries]
    scores: Sequence[EpochSeries] = ()
    best: int | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, (360 if self.scores else 220) + LINE * (len(self.losses) + len(self.scores))

    @property
    def description(self) -> str:
        """The last value of each series in words."""
        lines = [*self.losses, *self.scores]
        ends = (f"{printable(line.name)} ends at {number(line.values[-1])}" for line in lines if len(line.values))
        kept = "" if self.best is None else f", epoch {self.best} kept"
        epochs = max((len(line.values) for line in lines), default=0)
        return f"Training curves over {epochs} epochs{kept}: " + "; ".join(ends)

    def _draw(self, ax: Axes) -> None:
        lower = panel_below(ax, 1) if self.scores else ax
        curves = [self._line(ax, line, i) for i, line in enumerate(self.losses)]
        curves += [self._line(lower, line, i) for i, line in enumerate(self.scores, start=len(self.losses))]
        ax.set_ylabel("loss")
        if self.scores:
            lower.set_ylabel("score")
        if self.best is not None:
            for panel in dict.fromkeys((ax, lower)):
                panel.axvline(self.best, color="gray", linestyle="--", linewidth=1, zorder=1)
            ax.annotate(
                f"kept: epoch {self.best}", (self.best, 1), (0, 3), xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", ha="right" if 2 * self.best > self._last else "left",
            )  # fmt: skip
        lower.set(xlabel="epoch", xlim=(0.5, self._last + 0.5))
        lower.locator_params(axis="x", integer=True)
        legend_below(lower, curves, [label(line.name, 44) for line in (*self.losses, *self.scores)], left=40)

    @property
    def _last(self) -> int:
        return max([self.best or 1, *(len(line.values) for line in (*self.losses, *self.scores))])

    def _line(self, ax: Axes, line: EpochSeries, series: int) -> Line2D:
        """The line, with a gap where a value is missing, and a larger dot at the kept epoch."""
        import matplotlib

        epochs = range(1, len(line.values) + 1)
        cycle = list(matplotlib.rcParams["axes.prop_cycle"])
        curve = ax.plot(epochs, line.values, **cycle[series % len(cycle)])[0]
        curve.set(marker="o", markersize=min(4.0, 120 / max(len(line.values), 1)))
        if self.best is not None and self.best <= len(line.values) and math.isfinite(line.values[self.best - 1]):
            ax.plot(self.best, line.values[self.best - 1], "o", markersize=8, color=curve.get_color())
        return curve
