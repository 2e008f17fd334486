"""The page reports and shows every issue, and is complete for any data."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures import scans
from tests.fixtures.html import MALICIOUS, Page, check_footer
from tests.fixtures.leaky_dataset import BYTES, MIRRORED, make_leaky_dataset
from tumorlens._record import Record
from tumorlens.auditing import AuditReport, IntegrityIssue, NearestNeighborAccuracy, Shortcut, audit, build_index
from tumorlens.auditing.duplicates.perceptual_hash import transformed
from tumorlens.auditing.page.audit_files import write_audit
from tumorlens.auditing.page.audit_page import audit_page, verdict_level
from tumorlens.auditing.page.image_pairs import (
    LONGEST_SIDE,
    ImagePairs,
    interleaved,
    inverse,
    reduced_image,
    transform_image,
)
from tumorlens.auditing.page.page_text import MAX_ROWS
from tumorlens.auditing.page.provenance_section import provenance_section
from tumorlens.datasets import Table, open_table, open_tables
from tumorlens.report import TableBlock, find_blocks
from tumorlens.scan.dihedral import DIHEDRAL_NAMES
from tumorlens.stats import Estimate

LEAKED = BYTES + MIRRORED + 1


@pytest.fixture(scope="module")
def phantoms_table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    from tumorlens.datasets.phantom import make

    return open_table(make(tmp_path_factory.mktemp("phantoms") / "heads", patients=12, slices=2, size=128, seed=4))


@pytest.fixture(scope="module")
def leaky_report(phantoms_table: Table, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    """The audit of the leaky set, with an index of its phantoms that states their patients."""
    folder = tmp_path_factory.mktemp("leaky")
    build_index(phantoms_table, name="atlas").save(folder / "atlas.npz")
    return audit(
        open_table(make_leaky_dataset(folder / "set", phantoms_table)),
        reference_indexes=[folder / "atlas.npz"],
        shortcuts=False,
    )


@pytest.fixture(scope="module")
def report_without_issues(phantoms_table: Table) -> AuditReport:
    return audit(phantoms_table.filter(lambda s: s.label != "no_tumor"), reference_indexes=[], shortcuts=False)


def section(document: str, title: str) -> str:
    """The text of one section, as a browser shows it."""
    sections = re.findall(r"<section.*?</section>", document, re.DOTALL)
    return next(Page(one).text for one in sections if f">{title}</h2>" in one)


def images(document: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', document)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_the_page_begins_with_the_verdict_and_its_numbers(leaky_report: AuditReport) -> None:
    words = section(audit_page(leaky_report), "Summary")
    assert words.startswith(f"Summary Warning. {leaky_report.verdict}")
    assert f"{LEAKED} of {len(leaky_report.table.subset('test'))}" in words
    assert "--write-split" in words


def test_leaks_are_counted_by_subset_kind_and_class_and_shown_in_pairs(leaky_report: AuditReport) -> None:
    document = audit_page(leaky_report)
    words = section(document, "Leakage")
    leak = next(leak for leak in leaky_report.leaks if leak.by == "duplicate")
    assert f"{LEAKED} of {leak.rate.n} test images have a duplicate in train: {leak.rate.percent()}" in words
    assert f"test duplicate {LEAKED} of {leak.rate.n} {leak.rate.percent()} {BYTES + 1} 0 {MIRRORED}" in words
    assert "test · pituitary: test/pituitary/mirrored-0.png" in words
    assert "right image shown mirrored left to right" in words


def test_the_second_image_of_a_pair_is_transformed_like_the_first(leaky_report: AuditReport) -> None:
    samples = leaky_report.table.samples
    mirrored = next(i for i, s in enumerate(samples) if s.image.name == "mirrored-0.png")
    pairs = ImagePairs(leaky_report)
    duplicate = pairs.duplicate_in_train(mirrored)
    assert duplicate is not None
    image = np.asarray(pairs.duplicates(mirrored, duplicate).image.convert("L"), dtype=float)
    left, right = image[:, :128], image[:, -128:]
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.99


def test_duplicates_that_were_not_compared_are_transformed_too(leaky_report: AuditReport) -> None:
    mirrored = next(i for i, s in enumerate(leaky_report.table.samples) if s.image.name == "mirrored-0.png")
    linked = leaky_report.duplicates.pairs
    duplicate = ImagePairs(leaky_report).duplicate_in_train(mirrored)
    assert duplicate is not None
    unlinked = ImagePairs(replace(leaky_report, duplicates=replace(leaky_report.duplicates, pairs=())))
    transform, similarity = unlinked.alignment(mirrored, duplicate)
    assert linked
    assert DIHEDRAL_NAMES[transform] == "mirrored left to right"
    assert similarity > 0.98


def test_provenance_reports_sets_patients_and_transforms(leaky_report: AuditReport) -> None:
    words = section(audit_page(leaky_report), "Provenance")
    readable = len(leaky_report.table) - 1
    assert f"{readable} of {len(leaky_report.table)} images show 24 slices of atlas, of 12 patients" in words
    assert f"mirrored left to right {MIRRORED}" in words


def test_provenance_lists_the_known_slice_of_each_file_and_marks_the_contradicted_label(
    leaky_report: AuditReport,
) -> None:
    (listed,) = [
        block
        for block in find_blocks(provenance_section(leaky_report).blocks, TableBlock)
        if block.headers[:3] == ("file", "label", "known slice")
    ]
    assert len(listed.rows) == min(len(leaky_report.source_matches), MAX_ROWS)
    marked = [row for row in listed.rows if row[3].startswith("≠")]
    assert [(row[0].rpartition("/")[2], row[1], row[3]) for row in marked] == [
        ("misfiled.png", "glioma", "≠ meningioma")
    ]
    assert listed.rows[0] == marked[0]
    first = listed.rows[1]
    match = next(one for one in leaky_report.source_matches if leaky_report.table.samples[one.sample].id == first[0])
    assert first[2:5] == (f"atlas {match.slice}", match.label, match.patient)


def test_a_pair_whose_labels_differ_is_marked(leaky_report: AuditReport) -> None:
    words = section(audit_page(leaky_report), "Label conflicts")
    assert words.count("≠ labels differ") == 1
    samples = leaky_report.table.samples
    equal = next(one for one in leaky_report.duplicates.pairs if samples[one.first].label == samples[one.second].label)
    assert ImagePairs(leaky_report).duplicates(equal.first, equal.second).mark is None


def test_a_leak_by_patient_shows_another_image_of_the_patient(leaky_report: AuditReport) -> None:
    pairs = ImagePairs(leaky_report)
    leak = next(leak for leak in leaky_report.leaks if leak.by == "patient")
    for i in leak.samples:
        other = pairs.patient_in_train(i)
        assert other is not None
        assert pairs.patients[other] == pairs.patients[i]
        assert leaky_report.duplicates.cluster_ids[other] != leaky_report.duplicates.cluster_ids[i]


def test_a_conflict_shows_both_labels(leaky_report: AuditReport) -> None:
    words = section(audit_page(leaky_report), "Label conflicts")
    assert "test · glioma: test/glioma/misfiled.png train · meningioma: train/meningioma/" in words
    assert "is meningioma" in words


def test_files_with_issues_have_paths_relative_to_the_data(leaky_report: AuditReport) -> None:
    words = section(audit_page(leaky_report), "Data quality")
    assert " train/no_tumor/broken.png " in words


def test_a_section_without_issues_says_none_found(report_without_issues: AuditReport) -> None:
    document = audit_page(replace(report_without_issues, integrity=()))
    for title in ("Duplicates", "Provenance", "Label conflicts", "Data quality"):
        assert section(document, title).startswith(f"{title} None found"), title
    assert "no train subset" in section(document, "Leakage")
    assert "Not measured" in section(document, "Shortcuts")
    assert verdict_level(replace(report_without_issues, integrity=())) == "ok"
    assert "Good." in section(document, "Summary")


def test_shortcuts_and_nearest_neighbors_are_reported_with_their_numbers(report_without_issues: AuditReport) -> None:
    accuracy = Estimate(0.9, 0.85, 0.95, 24, 12, "group", "bootstrap")
    found = replace(
        report_without_issues,
        shortcuts=(Shortcut("file size", "bytes of the file", accuracy, 0.4, accuracy, "glioma and pituitary"),),
        nearest_neighbor=(NearestNeighborAccuracy("test", accuracy, None, accuracy),),
    )
    words = section(audit_page(found), "Shortcuts")
    assert "From file size alone the class is predicted with a balanced accuracy of 90.0 % (85.0 to 95.0)" in words
    assert "chance level is 33.3 %" in words
    assert "test 90.0 % (85.0 to 95.0), n = 24 – 90.0 %" in words


def test_long_lists_are_cut_and_the_rest_is_counted(report_without_issues: AuditReport) -> None:
    items = tuple((Path(f"mask-{i:03d}.png"), "empty") for i in range(MAX_ROWS + 20))
    words = section(
        audit_page(
            replace(report_without_issues, integrity=(IntegrityIssue("mask-empty", "Many.", "warning", items),))
        ),
        "Data quality",
    )
    assert f"mask-{MAX_ROWS - 1:03d}.png" in words
    assert f"mask-{MAX_ROWS:03d}.png" not in words
    assert "and 20 more" in words


def test_several_sets_are_compared_with_each_other(phantoms_table: Table, tmp_path: Path) -> None:
    for name, count in (("one", 6), ("two", 4)):
        for number, sample in enumerate(phantoms_table.samples[:count]):
            scans.save(tmp_path / name / sample.label / f"{number}.png", np.asarray(Image.open(sample.image)))
    found = audit(open_tables([tmp_path / "one", tmp_path / "two"]), reference_indexes=[], shortcuts=False)
    words = section(audit_page(found), "Duplicates")
    assert "one (6) 0 of 6 (0.0 %) 4 of 6 (66.7 %) two (4) 4 of 4 (100.0 %) 0 of 4 (0.0 %)" in words


def test_the_page_is_small_valid_and_loads_nothing(leaky_report: AuditReport) -> None:
    document = audit_page(leaky_report)
    parsed = Page(document)
    assert all((a.get("src") or "data:image/").startswith("data:image/") for _, a in parsed.tags)
    assert all(image.height <= LONGEST_SIDE for image in images(document))
    assert len(document) < 500_000


def test_missing_files_leave_the_page_complete(leaky_report: AuditReport, tmp_path: Path) -> None:
    gone = tuple(replace(record, path=tmp_path / "gone.png") for record in leaky_report.image_records)
    document = audit_page(replace(leaky_report, image_records=gone))
    assert Page(document).tags
    assert len(images(document)) == len(images(audit_page(leaky_report)))


def test_the_footer_has_the_facts_of_the_record(report_without_issues: AuditReport, tmp_path: Path) -> None:
    write_audit(report_without_issues, tmp_path, Record("audit", seed=3))
    check_footer(tmp_path)


def test_a_malicious_name_is_shown_as_text(leaky_report: AuditReport) -> None:
    samples = tuple(replace(s, id=f"set/{MALICIOUS} {i:03d}") for i, s in enumerate(leaky_report.table.samples))
    parsed = Page(audit_page(replace(leaky_report, table=replace(leaky_report.table, samples=samples))))
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "alert(1)" in parsed.text


@pytest.mark.parametrize("transform", range(len(DIHEDRAL_NAMES)))
def test_the_inverse_transform_restores_the_image(transform: int) -> None:
    gray = np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
    image = transform_image(Image.fromarray(gray), transform)
    assert np.array_equal(np.asarray(image), transformed(gray, transform))
    assert np.array_equal(np.asarray(transform_image(image, inverse(transform))), gray)


def test_an_image_is_reduced_and_an_unreadable_one_replaced(tmp_path: Path) -> None:
    scans.save(tmp_path / "wide.png", np.zeros((100, 400), dtype=np.uint8))
    assert reduced_image(tmp_path / "wide.png").size == (LONGEST_SIDE, LONGEST_SIDE // 4)
    assert reduced_image(tmp_path / "missing.png").size == (LONGEST_SIDE, LONGEST_SIDE)


def test_interleaving_brings_every_kind_early() -> None:
    assert interleaved(range(6), lambda i: "aaabbc"[i]) == [0, 3, 5, 1, 4, 2]
