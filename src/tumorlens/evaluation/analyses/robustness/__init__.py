"""Robustness: accuracy and Dice under artifacts of scanner and handling, step by step."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Robustness to artifacts",
    help="Also evaluate under 12 artifacts (bias field, noise, motion ...) at 5 severities.",
    order=20,
    enabled=False,
    limit=300,
    needs="network",
)
