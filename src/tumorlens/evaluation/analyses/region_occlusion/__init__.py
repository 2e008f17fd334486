"""Region occlusion: what the network still classifies correctly without head, surroundings or tumor."""

from tumorlens.evaluation.analyses.analysis import Analysis

ANALYSIS = Analysis(
    __name__,
    title="Region occlusion",
    help="Run inference again with the head, everything outside of it, or the tumor occluded (three times as long).",
    order=10,
    needs="network",
)
