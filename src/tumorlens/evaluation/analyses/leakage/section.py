"""Leakage result -> the section that sets the leaked beside the clean images."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.leakage import ANALYSIS
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.report import Section, table, verdict

_LIMIT = (
    "That the clean images are new to the network. Crops, other angles, and slices of a training patient "
    "under another name are not found."
)


def section(result: LeakageResult, samples: Sequence[Sample]) -> Section:
    """Accuracy and Dice of the leaked and of the clean images."""
    rows = []
    for name, metrics, segmentation in (
        ("leaked from train", result.leaked, result.leaked_segmentation),
        ("clean", result.clean, result.clean_segmentation),
    ):
        if metrics:
            accuracy = metrics.overall.get("accuracy")
            dice = str(segmentation.overall["dice"]) if segmentation else ""
            rows.append([name, sum(metrics.support.values()), accuracy.percent() if accuracy else "", dice])
    blocks = table(["images", "n", "accuracy", "Dice"], rows, "lrrr", reading="leaked_and_clean")
    blocks += verdict(result.conclusions, _LIMIT)
    return Section(ANALYSIS.title, blocks, "Metrics of images that leak from train are too high.")
