"""The page lists volumes where there are some."""

from __future__ import annotations

from dataclasses import replace

from tests.fixtures.audit_reports import made_report
from tumorlens.auditing.page.audit_page import audit_page
from tumorlens.auditing.page.volumes_section import volumes_section
from tumorlens.auditing.volume_facts import VolumeFacts
from tumorlens.report import KeyValues, TableBlock, find_blocks

VOLUMES = (
    VolumeFacts("w/a", 20, "axial", "w:1", "5e", "7b", "T1 after contrast", True, True, None),
    VolumeFacts("w/b", 24, "axial", "w:2", "6f", "8c", None, None, False, True),
)


def test_a_report_of_images_has_no_such_section() -> None:
    assert volumes_section(made_report()) == []


def test_what_the_table_left_out_is_on_the_page_and_in_the_json() -> None:
    report = made_report(volumes=VOLUMES)
    report = replace(report, table=replace(report.table, notes=("w: 3 files left out: a mask without a volume",)))
    assert "w: 3 files left out: a mask without a volume." in audit_page(report)
    assert report.to_dict()["data_notes"] == list(report.table.notes)


def test_the_section_counts_and_lists_volumes() -> None:
    (section,) = volumes_section(made_report(volumes=VOLUMES))
    (table,) = find_blocks(section.blocks, TableBlock)
    assert [list(row) for row in table.rows] == [
        ["w/a", "20", "axial", "T1 after contrast", "yes", "yes", "unknown"],
        ["w/b", "24", "axial", "unknown", "unknown", "no", "yes"],
    ]
    (facts,) = find_blocks(section.blocks, KeyValues)
    assert ("volumes", "2, with 44 slices") in facts.items
    assert "w/b" in audit_page(made_report(volumes=VOLUMES))
