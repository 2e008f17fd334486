"""Pipeline + samples -> accuracy and Dice under artefacts of scanner and handling, with intervals."""

from tumorlens.evaluation.robustness.artefacts import ARTEFACTS, SEVERITIES, Artefact, disturb, disturb_mask
from tumorlens.evaluation.robustness.measure import LIMIT, asked, measure_robustness
from tumorlens.evaluation.robustness.outcome import Cell, Robustness, Row, Summary

__all__ = [
    "ARTEFACTS",
    "LIMIT",
    "SEVERITIES",
    "Artefact",
    "Cell",
    "Robustness",
    "Row",
    "Summary",
    "asked",
    "disturb",
    "disturb_mask",
    "measure_robustness",
]
