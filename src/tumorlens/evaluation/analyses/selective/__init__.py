"""Selective prediction: how often one class is left in the conformal prediction set, and how often it is right."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Selective prediction",
    help="Measure coverage, size and selective accuracy of conformal prediction sets.",
    needs="thresholds",
    order=40,
)
