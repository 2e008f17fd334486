"""Numbers -> inline SVG: the charts of a report, one file each. Each returns one ``<svg>`` element."""

from tumorlens.report.plots.cascade import CascadeLine, cascade
from tumorlens.report.plots.forest import IntervalRow, intervals
from tumorlens.report.plots.matrix import confusion_matrix
from tumorlens.report.plots.reliability import Calibration, ReliabilityBin, reliability
from tumorlens.report.plots.roc import RocCurve, roc
from tumorlens.report.plots.standalone import standalone
from tumorlens.report.plots.tradeoff import CostPoint, accuracy_against_cost
from tumorlens.report.plots.training_curves import EpochSeries, training_curves

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
