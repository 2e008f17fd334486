"""Whole volumes: study-level and slice-level detection, overlap and lesions in 3D, tumor volumes in ml."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Whole volumes",
    help="Measure studies and tumors in 3D, where the data are volumes and masks are predicted.",
    order=5,
    needs="predictions",
)
