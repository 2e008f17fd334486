"""shortcuts and nearest neighbor -> the section "Shortcuts" of the page."""

from __future__ import annotations

from collections import Counter

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import NearestNeighborAccuracy, Shortcut
from tumorlens.auditing.page.page_text import SUBSET_NAMES
from tumorlens.report import Blocks, Section, figure, note, paragraph, table, verdict
from tumorlens.report.plots import IntervalChart, IntervalRow
from tumorlens.report.text import percentage
from tumorlens.stats import Estimate

_ABOVE_CHANCE = 0.1  # balanced accuracy above chance from which a shortcut gets a warning

_LIMIT = "That there is no shortcut: only the features of this table were tried."


def shortcuts_section(report: AuditReport) -> Section:
    """How well the class is predicted without anatomy, and by the nearest training image."""
    title = "Shortcuts"
    if not (report.shortcuts or report.nearest_neighbor):
        return Section(title, paragraph("Not measured; see below."))
    lead = (
        "Classifiers without access to the brain, cross-validated by group. A network can reach the same accuracy "
        "without learning anything about tumors."
    )
    body: Blocks = ()
    if report.shortcuts:
        n_classes = _classified(report)
        strong = [shortcut for shortcut in report.shortcuts if _is_strong(shortcut, n_classes)]
        for shortcut in sorted(strong, key=lambda s: -s.balanced_accuracy.value)[:1]:
            body += note("warning", _warning(shortcut, n_classes))
        if not strong:
            body += verdict("None of them separates the classes clearly better than chance.", _LIMIT)
        rows = [
            [
                s.name,
                s.features,
                s.accuracy.percent(),
                percentage(s.majority_baseline),
                s.balanced_accuracy.percent(),
            ]
            for s in report.shortcuts
        ]
        headers = ["classifier", "features", "accuracy (95 % interval)", "majority class", "balanced accuracy"]
        body += table(headers, rows, "llrrr", reading="shortcuts")
        chart = IntervalChart([IntervalRow(s.name, s.balanced_accuracy) for s in report.shortcuts])
        caption = f"Balanced accuracy without anatomy; chance level is {percentage(1 / n_classes)}."
        body += figure(chart, caption, reading="shortcut_intervals")
    return Section(title, body + _nearest_neighbor(report.nearest_neighbor), lead)


def _warning(shortcut: Shortcut, n_classes: int) -> str:
    text = (
        f"From {shortcut.name} alone the class is predicted with a balanced accuracy of "
        f"{shortcut.balanced_accuracy.percent()}; chance level is {percentage(1 / n_classes)}, and the majority class "
        f"alone has an accuracy of {percentage(shortcut.majority_baseline)}."
    )
    if shortcut.best_separated:
        text += f" Best separated: {shortcut.best_separated}."
    return text + " A network may learn this instead of the tumor; results on this data cannot distinguish the two."


def _is_strong(shortcut: Shortcut, n_classes: int) -> bool:
    balanced = shortcut.balanced_accuracy
    low = balanced.value if balanced.low is None else balanced.low
    return low > 1 / n_classes and balanced.value > 1 / n_classes + _ABOVE_CHANCE


def _nearest_neighbor(accuracies: tuple[NearestNeighborAccuracy, ...]) -> Blocks:
    if not accuracies:
        return ()
    rows = [
        [
            SUBSET_NAMES.get(one.subset, one.subset),
            *(_with_count(estimate) for estimate in (one.overall, one.leaked, one.clean)),
        ]
        for one in accuracies
    ]
    text = (
        "Accuracy of predicting the label of the most similar training image, without any learning. The difference "
        "between leaked and clean images is the effect of the leak:"
    )
    headers = ["subset", "all images", "leaked images", "clean images"]
    return paragraph(text) + table(headers, rows, "lrrr", reading="nearest_neighbor")


def _with_count(estimate: Estimate | None) -> str:
    return f"{estimate.percent()}, n = {estimate.n:,}" if estimate else "–"


def _classified(report: AuditReport) -> int:
    """Number of classes of the shortcut classifiers: those with two groups or more."""
    pairs = {(sample.label, group) for sample, group in zip(report.table.samples, report.groups, strict=True)}
    groups_per_class = Counter(label for label, _ in pairs)
    return max(1, sum(count > 1 for count in groups_per_class.values()))
