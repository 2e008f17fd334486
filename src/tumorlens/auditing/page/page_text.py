"""Names, shares and long lists as they are written on the page of an audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.report import Blocks, details, paragraph, table
from tumorlens.report.text import percentage

MAX_ROWS = 50
"""Rows of a long list on the page; audit.json has all."""

SUBSET_NAMES = {"test": "test", "val": "validation"}


def share(count: int, total: int) -> str:
    """A count with its percentage."""
    return f"{count:,} of {total:,} ({percentage(count / total)})" if total else "–"


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith(".") else text + "."


def contradicted(report: AuditReport) -> set[int]:
    """Positions of the samples whose label is not that of the known slice that they show."""
    return {
        position
        for conflict in report.label_conflicts
        if conflict.reference_label is not None
        for position, label in zip(conflict.samples, conflict.labels, strict=True)
        if label != conflict.reference_label
    }


def long_list(rows: Iterable[Sequence[str]], total: int, *headers: str, reading: str) -> Blocks:
    """A list that opens on a click, cut at `MAX_ROWS`; missing headers stay empty."""
    shown = [row for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    names = [*headers, *[""] * (max(map(len, shown), default=0) - len(headers))]
    rest = paragraph(f"… and {total - MAX_ROWS:,} more, all in audit.json.") if total > MAX_ROWS else ()
    listed = table(names, shown, "l" * len(names), reading=reading)
    return details(f"Show {min(total, MAX_ROWS):,} of {total:,}", listed + rest)
