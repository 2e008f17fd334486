"""Subgroup analysis: the metrics of each data set, plane and sequence."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Subgroups",
    help="Measure each data set, plane and sequence by itself.",
    needs="predictions",
    order=3,
)
