"""Recall and precision -> precision-recall curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import LINE, label, legend_below
from tumorlens.report.text import number, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """One class against the rest.

    Attributes:
        name: the class.
        recall: in [0, 1], rising, one for each threshold.
        precision: at the same thresholds. Both are empty where the class does not occur.
        prevalence: share of the class in the images, the precision of chance.
    """

    name: str
    recall: Sequence[float]
    precision: Sequence[float]
    prevalence: float


@dataclass(frozen=True)
class PrecisionRecallChart(Chart):
    """One curve for each class; the legend gives the precision of chance, which is the prevalence."""

    curves: Sequence[PrecisionRecallCurve]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return 400, 390 + LINE * len(self.curves)

    @property
    def description(self) -> str:
        """The prevalences in words."""
        values = "; ".join(f"{printable(c.name)} {number(c.prevalence, percent=True)}" for c in self.curves)
        return f"Precision-recall curves, prevalence of each class: {values}"

    def _draw(self, ax: Axes) -> None:
        # between two thresholds the precision is not on a straight line, but at most that of the higher recall
        lines = [ax.step(curve.recall, curve.precision, where="pre")[0] for curve in self.curves]
        ax.set(xlabel="recall (sensitivity)", ylabel="precision", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        names = [f"{label(c.name, 24)}: prevalence {number(c.prevalence, percent=True)}" for c in self.curves]
        legend_below(ax, lines, names, left=40)
