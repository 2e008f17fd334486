"""Pipeline + samples -> accuracy and Dice under artifacts of scanner and handling, with intervals."""

from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS, SEVERITIES, Artifact, disturb, disturb_mask
from tumorlens.evaluation.analyses.robustness.measure import LIMIT, asked, measure_robustness
from tumorlens.evaluation.analyses.robustness.result import Cell, Robustness, Row, Summary

__all__ = [
    "ARTIFACTS",
    "LIMIT",
    "SEVERITIES",
    "Artifact",
    "Cell",
    "Robustness",
    "Row",
    "Summary",
    "asked",
    "disturb",
    "disturb_mask",
    "measure_robustness",
]
