"""integrity issues -> the section "Data quality" of the page."""

from __future__ import annotations

import os
from pathlib import Path

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.page.page_text import long_list, sentence
from tumorlens.report import Blocks, Section, note, verdict

_LIMIT = "That the images are of use: what they show is not looked at."


def data_quality_section(report: AuditReport) -> Section:
    """The integrity issues of files, masks and annotations, the most severe first."""
    title = "Data quality"
    if not report.integrity:
        text = f"None found: no integrity issue in {len(report.table):,} files, their masks and their annotations."
        return Section(title, verdict(text, _LIMIT))
    folder = _common_folder([sample.image for sample in report.table.samples])
    order = ("danger", "warning", "info")
    body: Blocks = ()
    for issue in sorted(report.integrity, key=lambda issue: order.index(issue.level)):
        body += note(issue.level, sentence(issue.message))
        if issue.items:
            rows = ((_relative(path, folder), detail) for path, detail in issue.items)
            body += long_list(rows, len(issue.items), "file", "issue", reading="integrity")
    return Section(title, body)


def _common_folder(paths: list[Path]) -> Path | None:
    try:
        return Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # paths on several drives, or relative beside absolute ones
        return None


def _relative(path: Path, folder: Path | None) -> str:
    return str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else str(path)
