"""The names of tumorlens.report.plots: type checkers read them, and `lazy_loader` loads them on first use."""

from .bars import BarRow as BarRow
from .bars import StackedBarChart as StackedBarChart
from .bland_altman import BlandAltmanChart as BlandAltmanChart
from .cascade import CascadeChart as CascadeChart
from .cascade import CascadeLine as CascadeLine
from .charts import Chart as Chart
from .charts import render_chart as render_chart
from .forest import IntervalChart as IntervalChart
from .forest import IntervalRow as IntervalRow
from .matrix import ConfusionChart as ConfusionChart
from .precision_recall import PrecisionRecallChart as PrecisionRecallChart
from .precision_recall import PrecisionRecallCurve as PrecisionRecallCurve
from .reliability import ReliabilityBin as ReliabilityBin
from .reliability import ReliabilityChart as ReliabilityChart
from .reliability import ReliabilityCurve as ReliabilityCurve
from .roc import RocChart as RocChart
from .roc import RocCurve as RocCurve
from .standalone import render_standalone as render_standalone
from .standalone import save_chart as save_chart
from .tradeoff import CostChart as CostChart
from .tradeoff import CostPoint as CostPoint
from .training_curves import EpochSeries as EpochSeries
from .training_curves import TrainingCurves as TrainingCurves
