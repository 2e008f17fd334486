"""The section on duplicates counts files and distinct images, and shows the largest clusters."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.audit_reports import made_report
from tumorlens.auditing.issues import DuplicateClusters, DuplicatePair
from tumorlens.auditing.page.duplicates_section import duplicates_section
from tumorlens.auditing.page.image_pairs import ImagePairs
from tumorlens.report import Section, render_blocks


def section_of(sizes: list[int], images: int) -> Section:
    """The section of clusters of these sizes, all of equal files; the other images are distinct."""
    ids: list[int] = []
    pairs = []
    for number, size in enumerate(sizes):
        first = len(ids)
        pairs += [DuplicatePair(first, first + i, "bytes", 0, 1.0) for i in range(1, size)]
        ids += [number] * size
    ids += range(len(sizes), len(sizes) + images - len(ids))
    return duplicates_section(ImagePairs(made_report(images, duplicates=DuplicateClusters(tuple(ids), tuple(pairs)))))


def rows(section: Section, header: str) -> list[tuple[str, ...]]:
    """The rows of the first table with this header."""
    html = render_blocks(section.blocks)
    table = next(one for one in re.findall(r"<table.*?</table>", html, re.DOTALL) if f">{header}<" in one)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[2:]]
    return [tuple(row) for row in cells]


def test_few_sizes_of_clusters_are_listed_one_by_one() -> None:
    found = section_of([7, 2, 2], 30)
    assert found.lead == "30 files show 22 distinct images; 8 files are duplicates."
    assert rows(found, "files per image") == [("2", "2"), ("7", "1")]


def test_many_sizes_of_clusters_are_listed_in_ranges_without_empty_ones() -> None:
    sizes = [2, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 25]
    found = section_of(sizes, 180)
    assert rows(found, "files per image") == [
        ("2", "2"),
        ("4 to 5", "2"),
        ("6 to 10", "5"),
        ("11 to 20", "4"),
        ("21 to 25", "1"),
    ]


@pytest.mark.parametrize(("size", "shown"), [(5, "One image, 5 files."), (9, "One image, 9 files, 5 of them shown.")])
def test_of_a_large_cluster_five_files_are_shown(size: int, shown: str) -> None:
    html = render_blocks(section_of([size], 12).blocks)
    assert shown in html
    assert html.count("<img") == 5


def test_the_three_largest_clusters_are_shown() -> None:
    html = render_blocks(section_of([2, 4, 3, 2], 15).blocks)
    assert re.findall(r"One image, (\d) files", html) == ["4", "3", "2"]
