"""The folder of an audit holds the same issues as plain data and as a page, with a record of the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.audit_reports import made_report
from tumorlens._record import Record
from tumorlens.auditing import AuditReport, audit
from tumorlens.auditing.page.audit_files import write_audit
from tumorlens.datasets import Table, fingerprint


@pytest.fixture(scope="module")
def report(phantom_table: Table) -> AuditReport:
    return audit(phantom_table, reference_indexes=[], shortcuts=False)


def test_json_page_and_record_are_written(report: AuditReport, tmp_path: Path) -> None:
    write_audit(report, tmp_path / "audit", Record("audit"))
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["audit.json", "report.html", "run.json"]
    found = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert found == json.loads(json.dumps(report.to_dict()))
    assert report.verdict in (tmp_path / "audit" / "report.html").read_text()
    record = json.loads((tmp_path / "audit" / "run.json").read_text())
    assert record["verb"] == "audit"
    assert record["verdict"] == found["verdict"]
    assert record["leaking"] is False
    assert record["split_hash"] == report.table.split_hash
    assert record["data_fingerprint"] == fingerprint(report.table)
    assert record["outputs"] == ["audit.json", "report.html"]


def test_a_later_audit_replaces_the_files(report: AuditReport, tmp_path: Path) -> None:
    write_audit(report, tmp_path, Record("audit"))
    write_audit(replace(report, notes=("A new note.",)), tmp_path, Record("audit"))
    assert json.loads((tmp_path / "audit.json").read_text())["notes"] == ["A new note."]
    assert len(list(tmp_path.iterdir())) == 3


def test_data_with_a_missing_file_or_no_split_has_no_fingerprint_and_no_split(tmp_path: Path) -> None:
    write_audit(made_report(), tmp_path, Record("audit"))
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["data_fingerprint"] is None
    assert record["split"] is None
    assert record["images"] == 60
