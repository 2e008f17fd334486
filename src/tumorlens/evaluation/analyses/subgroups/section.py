"""Subgroups -> the section with one table for each property."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.subgroups import ANALYSIS
from tumorlens.evaluation.analyses.subgroups.result import METRICS, SubgroupsResult
from tumorlens.report import Section, table, verdict

_LIMIT = "That a property is the reason for a difference. Data sets differ in scanners, sequences and patients at once."


def section(result: SubgroupsResult, _samples: Sequence[Sample]) -> Section:
    """A table for each property: its values, with images, patients and metrics."""
    blocks = verdict(result.conclusions, _LIMIT)
    unit = next((one.unit for group in result.subgroups for one in group.metrics.values()), "image")
    counted = {"patient": "patients", "image": "images"}.get(unit, "patients or images")
    for by in dict.fromkeys(group.by for group in result.subgroups):
        groups = [group for group in result.subgroups if group.by == by]
        shown = [key for key in METRICS if any(key in group.metrics for group in groups)]
        rows = [
            [
                group.name,
                group.images,
                group.units,
                *(
                    (str(group.metrics[key]) if key == "dice" else group.metrics[key].percent())
                    if key in group.metrics
                    else "no such images"
                    for key in shown
                ),
            ]
            for group in groups
        ]
        headings = [by, "images", counted, *(METRICS[key] for key in shown)]
        blocks += table(headings, rows, "lrr" + "r" * len(shown), reading="subgroups")
    return Section(ANALYSIS.title, blocks, "Where it is good, and where it is not.")
