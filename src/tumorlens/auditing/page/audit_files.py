"""AuditReport -> audit.json, report.html and run.json in one folder."""

from __future__ import annotations

from pathlib import Path

from tumorlens._record import Record, write_json
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.page.audit_page import audit_page
from tumorlens.datasets import fingerprint
from tumorlens.errors import DataError
from tumorlens.report import save_page


def write_audit(found: AuditReport, folder: Path, record: Record) -> None:
    """Write all that an audit leaves behind; run.json comes last.

    Args:
        found: the audit.
        folder: made where it is missing; files of an earlier audit are replaced.
        record: of the command; gets the facts of the data.
    """
    write_json(found.to_dict(), folder / "audit.json")
    save_page(audit_page(found), folder / "report.html")
    record.add(
        data=found.table.name,
        data_fingerprint=_fingerprint(found),
        split=found.table.plan.to_dict() if found.table.plan else None,
        split_hash=found.table.split_hash,
        images=len(found.table),
        verdict=found.verdict,
        leaking=found.leaking,
        notes=list(found.table.notes),
        device="cpu",
        outputs=["audit.json", "report.html"],
    )
    record.write(folder)


def _fingerprint(found: AuditReport) -> str | None:
    """The hash of the data as other results name it; None where a file is not there."""
    try:
        return fingerprint(found.table)
    except DataError:
        return None
