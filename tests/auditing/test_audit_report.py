"""The audit as plain data, and its verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

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
        "data_notes",
        "volumes",
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


def test_the_repr_is_one_line_with_the_counts(report: AuditReport) -> None:
    start = f"AuditReport({report.table.name}: {len(report.table)} images, {report.n_duplicates} duplicates, "
    assert repr(report).startswith(start)
    assert "\n" not in repr(report)


def test_a_notebook_shows_the_verdict_and_the_counts(report: AuditReport) -> None:
    html = report._repr_html_()
    assert report.verdict in html
    assert "label conflicts" in html


def test_a_data_frame_marks_leaked_duplicated_and_contradicted_images(phantom_table: Table) -> None:
    pytest.importorskip("pandas")
    first, *others = (s for s in phantom_table if s.split == "train")
    copy = replace(
        first, id=f"{first.id} copy", split="test", label=next(s.label for s in others if s.label != first.label)
    )
    table = replace(phantom_table, samples=(*phantom_table, copy), plan=None)
    found = audit(table, reference_indexes=[], shortcuts=False)
    frame = found.to_pandas().set_index("id")
    assert len(frame) == len(table)
    assert frame.cluster[copy.id] == frame.cluster[first.id]
    assert frame.duplicates[copy.id] == 1
    assert "duplicate" in frame.leak[copy.id]
    assert frame.leak[first.id] is None or frame.leak.isna()[first.id]
    assert frame.label_conflict[copy.id]
    assert frame.label_conflict.sum() == 2
    assert (frame.duplicates > 0).sum() == 2


def test_the_plot_counts_each_image_once_by_subset_and_class(phantom_table: Table) -> None:
    train = [replace(sample, split="train") for sample in phantom_table]
    copies = [replace(train[0], id="a copy"), replace(train[0], id="a leak", split="test")]
    table = replace(phantom_table, samples=(*train, *copies), plan=None)
    ax = audit(table, reference_indexes=[], shortcuts=False).plot(Figure().add_subplot())
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[0] == "train"
    assert names[-2:] == ["test", train[0].label]
    bars = [[int(count) for count in text.get_text().split(" + ")] for text in ax.texts]
    assert bars[-1] == [0, 0, 1]
    assert np.sum(bars, axis=0).tolist() == [len(train), 1, 1]


def test_the_plot_of_a_table_without_subsets_has_one_bar_per_class(phantom_table: Table) -> None:
    table = replace(phantom_table, samples=tuple(replace(sample, split=None) for sample in phantom_table), plan=None)
    ax = audit(table, reference_indexes=[], shortcuts=False).plot(Figure().add_subplot())
    assert [text.get_text() for text in ax.get_yticklabels()] == list(table.classes)
