"""Tables written by the audit have groups and no duplicates, and do not leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.leaky_dataset import make_leaky_dataset
from tumorlens.auditing import AuditReport, audit, build_index, check_leaks, find_linked_groups
from tumorlens.datasets import Table, open_table, read_table, write_table


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    from tumorlens.datasets.phantom import make

    place = tmp_path_factory.mktemp("cleaning")
    heads = open_table(make(place / "heads", patients=12, slices=2, size=96))
    build_index(heads, name="atlas").save(place / "atlas.npz")
    folder = make_leaky_dataset(place / "set", heads)
    return audit(open_table(folder), reference_indexes=[place / "atlas.npz"], shortcuts=False)


def test_the_clean_table_has_every_image_once_with_its_group_and_no_split(found: AuditReport) -> None:
    clean = found.clean()
    assert len(clean) == found.duplicates.n_distinct - 1  # one cannot be read
    assert {s.split for s in clean.samples} == {None}
    assert all(s.group and s.group.startswith("atlas:") for s in clean.samples)
    assert audit(clean, reference_indexes=[], shortcuts=False).duplicates.pairs == ()
    assert any("6 duplicates and 1 blank or unreadable files left out" in note for note in clean.notes)


def test_of_duplicates_with_two_labels_the_one_confirmed_by_its_source_stays(found: AuditReport) -> None:
    names = {s.image.name for s in found.clean().samples}
    assert "misfiled.png" not in names
    wrong, right = sorted(found.label_comments().items())
    assert wrong[0] == "set/test/glioma/misfiled.png"
    assert wrong[1].startswith("label contradicted: it or its duplicates are labeled glioma and meningioma; atlas ")
    assert right[0].startswith("set/train/meningioma/")
    assert right[1].startswith("label confirmed: ")
    assert right[0] in {s.id for s in found.clean().samples}


def test_the_split_does_not_leak_also_after_writing_and_reading(found: AuditReport, tmp_path: Path) -> None:
    split = found.split(folds=3, val=0.34)
    assert check_leaks(split, find_linked_groups(split)) == ()
    again = read_table(write_table(split, tmp_path / "split.csv"))
    assert again.split_hash == split.split_hash


def test_remarks_become_a_column_that_reading_passes_over(found: AuditReport, tmp_path: Path) -> None:
    path = write_table(found.table, tmp_path / "all.csv", comments=found.label_comments())
    lines = path.read_text().splitlines()
    assert lines[1].endswith(",comment")
    assert sum("label contradicted" in line for line in lines) == 1
    assert sum("label confirmed" in line for line in lines) == 1
    assert len(read_table(path)) == len(found.table)


def test_a_set_without_issues_stays_unchanged(phantom_table: Table) -> None:
    report = audit(phantom_table, shortcuts=False)
    assert not report.leaking
    assert [s.id for s in report.clean().samples] == [s.id for s in phantom_table.samples]
    assert [s.split for s in report.clean().samples] == [s.split for s in phantom_table.samples]
    assert report.verdict.startswith("No leak found")
