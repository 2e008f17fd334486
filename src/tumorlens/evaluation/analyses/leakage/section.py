"""Leakage result -> the section that sets the leaked beside the clean images."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.leakage import ANALYSIS
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.report import Section, paragraph, table


def section(result: LeakageResult, samples: Sequence[Sample]) -> Section:
    """Accuracy and Dice of the leaked and of the clean images."""
    rows = []
    for name, metrics, segmentation in (
        ("leaked from train", result.leaked, result.leaked_segmentation),
        ("clean", result.clean, result.clean_segmentation),
    ):
        if metrics:
            accuracy = metrics.overall["accuracy"]
            dice = str(segmentation.overall["dice"]) if segmentation else ""
            rows.append([name, accuracy.n, accuracy.percent(), dice])
    blocks = table(["images", "n", "accuracy", "Dice"], rows, "lrrr")
    for sentence in result.conclusions:
        blocks += paragraph(sentence)
    return Section(ANALYSIS.title, blocks, "Metrics of images that leak from train are too high.")
