"""Chart -> SVG: the data types of all charts, and the function that renders each."""

from __future__ import annotations

from typing import assert_never

from tumorlens.report.plots.cascade import CascadeChart, render_cascade
from tumorlens.report.plots.forest import IntervalChart, render_intervals
from tumorlens.report.plots.matrix import ConfusionChart, render_confusion_matrix
from tumorlens.report.plots.reliability import ReliabilityChart, render_reliability
from tumorlens.report.plots.roc import RocChart, render_roc
from tumorlens.report.plots.tradeoff import CostChart, render_costs
from tumorlens.report.plots.training_curves import TrainingCurves, render_training_curves

Chart = CascadeChart | ConfusionChart | CostChart | IntervalChart | ReliabilityChart | RocChart | TrainingCurves


def render_chart(chart: Chart) -> str:
    """One ``<svg>`` element for the page of a report."""
    match chart:
        case CascadeChart():
            return render_cascade(chart)
        case ConfusionChart():
            return render_confusion_matrix(chart)
        case CostChart():
            return render_costs(chart)
        case IntervalChart():
            return render_intervals(chart)
        case ReliabilityChart():
            return render_reliability(chart)
        case RocChart():
            return render_roc(chart)
        case TrainingCurves():
            return render_training_curves(chart)
        case _:
            assert_never(chart)
