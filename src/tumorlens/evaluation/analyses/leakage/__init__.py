"""Leakage: how the metrics differ between images that leak from train and the others."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Leakage",
    help="Measure images that leak from train (duplicates, patients) apart from the clean ones.",
    order=0,
    needs="training data",
)
