"""False and true positive rates -> ROC curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.svg import SERIES, Frame, legend, svg
from tumorlens.report.text import number, shorten, with_interval

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

_TENTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


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
class RocChart:
    """One curve for each class over the diagonal of chance; the legend gives the area and its interval."""

    curves: Sequence[RocCurve]


def render_roc(chart: RocChart) -> str:
    """The chart as one ``<svg>`` element."""
    curves = chart.curves
    frame = Frame(56, 10, 350, 320, _TENTHS, _TENTHS)
    entries = [(i, f"{shorten(c.name, 18)}: AUROC {with_interval(c.auroc)}") for i, c in enumerate(curves)]
    parts = [
        frame.axes("false positive rate (1 − specificity)", "true positive rate (sensitivity)"),
        frame.path((0, 1), (0, 1), "chance", "chance"),
        *(
            frame.path(c.false_positive, c.true_positive, f"line s{i % SERIES}", entries[i][1])
            for i, c in enumerate(curves)
        ),
        legend(56, 390, entries),
    ]
    values = "; ".join(f"{c.name} {number(c.auroc.value)}" for c in curves)
    return svg(420, 388 + 18 * len(curves), f"ROC curves, area under the curve: {values}", parts)
