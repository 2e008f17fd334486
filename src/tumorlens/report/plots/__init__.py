"""Numbers -> charts: each file has the data of one chart and plots it with matplotlib, for pages and for users."""

from tumorlens.report.plots.bars import BarRow, StackedBarChart
from tumorlens.report.plots.bland_altman import BlandAltmanChart
from tumorlens.report.plots.cascade import CascadeChart, CascadeLine
from tumorlens.report.plots.charts import Chart, render_chart
from tumorlens.report.plots.forest import IntervalChart, IntervalRow
from tumorlens.report.plots.matrix import ConfusionChart
from tumorlens.report.plots.precision_recall import PrecisionRecallChart, PrecisionRecallCurve
from tumorlens.report.plots.reliability import ReliabilityBin, ReliabilityChart, ReliabilityCurve
from tumorlens.report.plots.roc import RocChart, RocCurve
from tumorlens.report.plots.standalone import render_standalone, save_chart
from tumorlens.report.plots.tradeoff import CostChart, CostPoint
from tumorlens.report.plots.training_curves import EpochSeries, TrainingCurves

__all__ = [
    "BarRow",
    "BlandAltmanChart",
    "CascadeChart",
    "CascadeLine",
    "Chart",
    "ConfusionChart",
    "CostChart",
    "CostPoint",
    "EpochSeries",
    "IntervalChart",
    "IntervalRow",
    "PrecisionRecallChart",
    "PrecisionRecallCurve",
    "ReliabilityBin",
    "ReliabilityChart",
    "ReliabilityCurve",
    "RocChart",
    "RocCurve",
    "StackedBarChart",
    "TrainingCurves",
    "render_chart",
    "render_standalone",
    "save_chart",
]
