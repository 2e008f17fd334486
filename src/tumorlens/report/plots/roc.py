"""False and true positive rates -> ROC curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below
from tumorlens.report.text import number, printable, with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tumorlens.stats import Estimate


@dataclass(frozen=True)
class RocCurve:
    """One class against the rest.

    Attributes:
        name: the class.
        false_positive: false positive rates in [0, 1], rising, one for each threshold.
        true_positive: true positive rates at the same thresholds. Both are empty where the class does not occur.
        auroc: the area under the curve, with its interval.
    """

    name: str
    false_positive: Sequence[float]
    true_positive: Sequence[float]
    auroc: Estimate


@dataclass(frozen=True)
class RocChart(Chart):
    """One curve for each class over the diagonal of chance; the legend gives the area and its interval."""

    curves: Sequence[RocCurve]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 390 + LINE * len(self.curves)

    @property
    def description(self) -> str:
        """The areas in words."""
        values = "; ".join(f"{printable(c.name)} {number(c.auroc.value)}" for c in self.curves)
        return f"ROC curves, area under the curve: {values}"

    def _draw(self, ax: Axes) -> None:
        ax.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1, zorder=1)
        lines = [ax.plot(curve.false_positive, curve.true_positive)[0] for curve in self.curves]
        ax.set(xlabel="false positive rate (1 − specificity)", ylabel="true positive rate (sensitivity)")
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        names = [f"{label(c.name, 18)}: AUROC {with_interval(c.auroc)}" for c in self.curves]
        legend_below(ax, lines, names, left=40)
