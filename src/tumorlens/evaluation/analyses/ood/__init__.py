"""Out-of-distribution detection: how many of the measured images are flagged."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Out-of-distribution detection",
    help="Count the images that are flagged as out-of-distribution.",
    needs="thresholds",
    order=30,
)
