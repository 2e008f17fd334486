"""Numbers -> charts: each file has the data of one chart and the function that renders it as inline SVG."""

from tumorlens.report.plots.cascade import CascadeChart, CascadeLine
from tumorlens.report.plots.charts import Chart, render_chart
from tumorlens.report.plots.forest import IntervalChart, IntervalRow
from tumorlens.report.plots.matrix import ConfusionChart
from tumorlens.report.plots.reliability import ReliabilityBin, ReliabilityChart, ReliabilityCurve
from tumorlens.report.plots.roc import RocChart, RocCurve
from tumorlens.report.plots.standalone import render_standalone
from tumorlens.report.plots.tradeoff import CostChart, CostPoint
from tumorlens.report.plots.training_curves import EpochSeries, TrainingCurves

__all__ = [
    "CascadeChart",
    "CascadeLine",
    "Chart",
    "ConfusionChart",
    "CostChart",
    "CostPoint",
    "EpochSeries",
    "IntervalChart",
    "IntervalRow",
    "ReliabilityBin",
    "ReliabilityChart",
    "ReliabilityCurve",
    "RocChart",
    "RocCurve",
    "TrainingCurves",
    "render_chart",
    "render_standalone",
]
