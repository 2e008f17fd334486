"""shortcuts, nearest neighbors, damage -> the sections of the page that show numbers and lists."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import NearestNeighborAccuracy, Shortcut
from tumorlens.auditing.page.image_sections import listing
from tumorlens.report import Blocks, Section, figure, note, paragraph, table
from tumorlens.report.plots import IntervalChart, IntervalRow
from tumorlens.stats import Estimate

_PARTS = {"test": "test", "val": "validation"}
_TELLING = 0.1  # balanced accuracy above chance from which a shortcut is worth a warning


def shortcut_section(found: AuditReport) -> Section:
    """What can be told without anatomy, and by looking up the most similar image."""
    title = "Shortcuts"
    if not (found.shortcuts or found.nearest_neighbor):
        return Section(title, paragraph("Not measured; see below."))
    lead = (
        "Classifiers that cannot see the brain, cross-validated by group. What they reach, a network can reach "
        "without learning anything about tumors."
    )
    body: Blocks = ()
    if found.shortcuts:
        classes = _measured(found)
        telling = [s for s in found.shortcuts if _tells(s, classes)]
        for one in sorted(telling, key=lambda s: -s.balanced_accuracy.value)[:1]:
            body += note("warning", _words(one, classes))
        if not telling:
            body += paragraph("None of them tells the classes apart better than by a little chance.")
        rows = [
            [s.name, s.features, s.accuracy.percent(), f"{100 * s.majority_baseline:.1f} %", s.balanced_accuracy.percent()]
            for s in found.shortcuts
        ]
        heads = ["seen", "that is", "accuracy (95 % interval)", "commonest class", "balanced accuracy"]
        body += table(heads, rows, "llrrr")
        chart = IntervalChart([IntervalRow(s.name, s.balanced_accuracy) for s in found.shortcuts])
        body += figure(chart, f"Balanced accuracy without anatomy; {100 / classes:.0f} % is chance.")
    return Section(title, body + _neighbors(found.nearest_neighbor), lead)


def damage_section(found: AuditReport) -> Section:
    """What is wrong with files, masks and annotations, the worst first."""
    if not found.integrity:
        words = f"Looked, and found none among {len(found.table):,} files, their masks and their annotations."
        return Section("Damage", paragraph(words))
    folder = _common([sample.image for sample in found.table.samples])
    order = ("danger", "warning", "info")
    body: Blocks = ()
    for damage in sorted(found.integrity, key=lambda d: order.index(d.level)):
        body += note(damage.level, damage.message if damage.message.endswith(".") else f"{damage.message}.")
        if damage.items:
            rows = ((_relative(path, folder), detail) for path, detail in damage.items)
            body += listing(rows, len(damage.items), "file", "what")
    return Section("Damage", body)


def _words(one: Shortcut, classes: int) -> str:
    words = (
        f"From {one.name} alone the class can be told with a balanced accuracy of {one.balanced_accuracy.percent()}; "
        f"guessing gives {100 / classes:.0f} %, and always the commonest class is right for {100 * one.majority_baseline:.1f} %."
    )
    if one.best_separated:
        words += f" It tells best apart: {one.best_separated}."
    return words + " A network may learn this instead of the tumor; a figure on this data does not tell which."


def _tells(one: Shortcut, classes: int) -> bool:
    low = one.balanced_accuracy.value if one.balanced_accuracy.low is None else one.balanced_accuracy.low
    return low > 1 / classes and one.balanced_accuracy.value > 1 / classes + _TELLING


def _neighbors(found: tuple[NearestNeighborAccuracy, ...]) -> Blocks:
    if not found:
        return ()
    rows = [
        [
            _PARTS.get(one.subset, one.subset),
            *(_counted(estimate) for estimate in (one.overall, one.leaked, one.clean)),
        ]
        for one in found
    ]
    words = (
        "And the accuracy of giving every image the label of the training image that looks most like it, which "
        "needs no learning. What it loses from the leaked to the clean images is what the leak is worth:"
    )
    heads = ["part", "all of it", "leaked images", "clean images"]
    return paragraph(words) + table(heads, rows, "lrrr")


def _counted(estimate: Estimate | None) -> str:
    return f"{estimate.percent()}, n = {estimate.n:,}" if estimate else "–"


def _measured(found: AuditReport) -> int:
    """Classes that were told apart: those that two groups show."""
    groups = {(sample.label, key) for sample, key in zip(found.table.samples, found.groups, strict=True)}
    shown = Counter(label for label, _ in groups)
    return max(1, sum(count > 1 for count in shown.values()))


def _common(paths: list[Path]) -> Path | None:
    try:
        return Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # paths on several drives, or relative beside absolute ones
        return None


def _relative(path: Path, folder: Path | None) -> str:
    return str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else str(path)
