"""AuditReport -> audit.json, report.html and run.json in one folder."""

from __future__ import annotations

from pathlib import Path

from tumorlens._record import Record, write_json
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.page.audit_page import audit_page
from tumorlens.datasets import fingerprint
from tumorlens.errors import DataError
from tumorlens.report import save_page


def write_audit(report: AuditReport, folder: Path, record: Record) -> None:
    """Write the results of an audit; run.json comes last.

    Args:
        report: of the audit.
        folder: created if missing; files of an earlier audit are replaced.
        record: of the command; gets the facts of the data.
    """
    write_json(report.to_dict(), folder / "audit.json")
    record.add(
        data=report.table.name,
        data_fingerprint=_fingerprint(report),
        split=report.table.plan.to_dict() if report.table.plan else None,
        split_hash=report.table.split_hash,
        images=len(report.table),
        verdict=report.verdict,
        leaking=report.leaking,
        notes=list(report.table.notes),
        device="cpu",
        outputs=["audit.json", "report.html"],
    )
    save_page(audit_page(report, record.facts), folder / "report.html")
    record.write(folder)


def _fingerprint(report: AuditReport) -> str | None:
    """The fingerprint of the data, as in other results; None where a file is missing."""
    try:
        return fingerprint(report.table)
    except DataError:
        return None
