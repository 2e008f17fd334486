"""Numbers -> inline SVG: the charts of a report, one file each. Each returns one ``<svg>`` element."""

from tumorlens.report.charts.cascade import CascadeLine, cascade
from tumorlens.report.charts.forest import IntervalRow, intervals
from tumorlens.report.charts.matrix import confusion_matrix
from tumorlens.report.charts.reliability import Calibration, ReliabilityBin, reliability
from tumorlens.report.charts.roc import RocCurve, roc
from tumorlens.report.charts.standalone import standalone
from tumorlens.report.charts.tradeoff import CostPoint, accuracy_against_cost
from tumorlens.report.charts.training import EpochSeries, training_curves

__all__ = [
    "Calibration",
    "CascadeLine",
    "CostPoint",
    "EpochSeries",
    "IntervalRow",
    "ReliabilityBin",
    "RocCurve",
    "accuracy_against_cost",
    "cascade",
    "confusion_matrix",
    "intervals",
    "reliability",
    "roc",
    "standalone",
    "training_curves",
]
