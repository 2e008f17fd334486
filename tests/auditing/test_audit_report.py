"""The audit as plain data, and its verdict."""

from __future__ import annotations

import json

import pytest

from tumorlens.auditing import AuditReport, audit
from tumorlens.auditing.audit_report import SCHEMA_VERSION
from tumorlens.datasets import Table


@pytest.fixture
def report(phantom_table: Table) -> AuditReport:
    return audit(phantom_table, reference_indexes=[], shortcuts=False)


def test_the_json_starts_with_its_schema_version_and_has_one_key_for_each_check(report: AuditReport) -> None:
    assert list(json.loads(json.dumps(report.to_dict()))) == [
        "schema_version",
        "verdict",
        "leaking",
        "data",
        "images",
        "subsets",
        "classes",
        "distinct_images",
        "duplicates",
        "source_matches",
        "leaks",
        "label_conflicts",
        "integrity",
        "shortcuts",
        "nearest_neighbor",
        "notes",
    ]
    assert report.to_dict()["schema_version"] == SCHEMA_VERSION == 1


def test_skipped_checks_are_noted(report: AuditReport) -> None:
    assert report.notes == (
        "Shortcuts were not measured, as requested (--no-shortcuts).",
        "Provenance was not checked: no index of a reference set was given.",
    )


def test_progress_is_reported_for_every_stage(phantom_table: Table) -> None:
    stages: dict[str, tuple[int, int | None]] = {}

    def step(stage: str, done: int, total: int | None) -> None:
        stages[stage] = (done, total)

    audit(phantom_table, shortcuts=False, progress=step)
    assert list(stages) == ["reading images", "finding duplicates", "matching reference sets", "reading masks"]
    assert all(done == total for done, total in stages.values())
