"""AuditReport -> one self-contained HTML page for reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.duplicates.near_duplicates import CANDIDATE_SIMILARITY, DUPLICATE_SCORE
from tumorlens.auditing.issues import Leak
from tumorlens.auditing.page.data_quality_section import data_quality_section
from tumorlens.auditing.page.duplicates_section import duplicates_section
from tumorlens.auditing.page.image_pairs import ImagePairs
from tumorlens.auditing.page.label_conflicts_section import label_conflicts_section
from tumorlens.auditing.page.leakage_section import leakage_section
from tumorlens.auditing.page.page_text import SUBSET_NAMES
from tumorlens.auditing.page.provenance_section import provenance_section
from tumorlens.auditing.page.shortcuts_section import shortcuts_section
from tumorlens.auditing.page.volumes_section import volumes_section
from tumorlens.auditing.provenance.reference_index import SOURCE_SIMILARITY
from tumorlens.report import Blocks, PageFooter, Paragraph, Section, Tile, code, paragraph, render_page, tiles, verdict

_LIMIT = (
    "That the labels are right, that every image shows a head, or that no patient is in two subsets under two names. "
    "The section Not checked says what was not looked for."
)


def audit_page(report: AuditReport, record: Mapping[str, Any] | None = None) -> str:
    """The whole page.

    Args:
        report: of the audit.
        record: facts of the run record, for the small print.
    """
    subsets = ", ".join(f"{count:,} {subset}" for subset, count in report.subset_sizes.items())
    classes = ", ".join(report.table.classes)
    return render_page(
        f"Audit of {report.table.name}",
        f"{len(report.table):,} images ({subsets or 'no split'}) of {len(report.table.classes)} classes: {classes}",
        audit_sections(report),
        PageFooter.of(
            record,
            f"Split {report.table.split_hash[:16]}. 95 % intervals: bootstrap of groups of duplicates and patients.",
            "This page shows images and file names; protect it like the data.",
        ),
    )


def audit_sections(report: AuditReport) -> list[Section]:
    """The sections of the page, also for use in a larger one."""
    pairs = ImagePairs(report)
    return [
        _summary(report),
        leakage_section(pairs),
        duplicates_section(pairs),
        provenance_section(report),
        label_conflicts_section(pairs),
        shortcuts_section(report),
        data_quality_section(report),
        *volumes_section(report),
        _not_checked(report),
        _methods(report),
    ]


def verdict_level(report: AuditReport) -> Literal["ok", "warning", "danger"]:
    """The severity of the verdict: results are wrong, may be wrong, or no issue was found."""
    if report.leaking or any(issue.level == "danger" for issue in report.integrity):
        return "danger"
    unclean = report.label_conflicts or report.duplicates.n_distinct < len(report.table)
    return "warning" if unclean or any(issue.level == "warning" for issue in report.integrity) else "ok"


def _summary(report: AuditReport) -> Section:
    total, distinct = len(report.table), report.duplicates.n_distinct
    references = list(dict.fromkeys(match.reference for match in report.source_matches))
    contradicted = len({i for conflict in report.label_conflicts for i in conflict.samples})
    leaks = [_leak_tile(leak) for leak in report.leaks if leak.subset == "test" or leak.samples]
    others = [
        Tile("Distinct images", f"{distinct:,}", hint=f"of {total:,} files; {total - distinct:,} are duplicates"),
        Tile(
            "Matched to a reference set",
            f"{len(report.source_matches):,}",
            hint=f"images, to {' and '.join(references)}" if references else "images",
        ),
        Tile("Label conflicts", f"{len(report.label_conflicts):,}", hint=f"in {contradicted:,} images"),
        *_shortcut_tile(report),
        Tile("Integrity issues", f"{len(report.integrity):,}", hint="of files, masks, annotations"),
    ]
    shown = (tiles(leaks) if leaks else ()) + tiles(others)
    return Section("Summary", verdict(report.verdict, _LIMIT, verdict_level(report)) + shown + _advice(report))


def _leak_tile(leak: Leak) -> Tile:
    subset = SUBSET_NAMES[leak.subset].capitalize()
    how, of = (
        ("with a duplicate in train", "")
        if leak.by == "duplicate"
        else ("with their patient in train", " with a known patient")
    )
    return Tile(f"{subset} images {how}", leak.rate, hint=f"{len(leak.samples):,} of {leak.rate.n:,}{of}")


def _shortcut_tile(report: AuditReport) -> list[Tile]:
    if not report.shortcuts:
        return []
    best = max(report.shortcuts, key=lambda shortcut: shortcut.balanced_accuracy.value)
    return [Tile("Predicted without anatomy", best.balanced_accuracy, hint=f"balanced accuracy, from {best.name}")]


def _advice(report: AuditReport) -> Blocks:
    """The commands that make a clean split."""
    if verdict_level(report) == "ok" and len(report.subset_sizes) > 1:
        return ()
    if report.leaking:
        text = "To train on a split without leaks and without duplicates, with every patient in one subset:"
    else:
        text = "To train on a split by the groups of this audit, without duplicates:"
    return paragraph(text) + code("tumorlens audit PATH --write-split split.csv\ntumorlens train split.csv -o my-run")


def _not_checked(report: AuditReport) -> Section:
    always = (
        "The audit does not recognize crops that cut off a part of the head, rotations by other angles than 90°, and "
        "slices of one patient that no reference set contains. It does not check what an image shows: a CT slice, a "
        "photograph or another part of the body is not recognized as such."
    )
    return Section("Not checked", tuple(map(Paragraph, (*report.notes, always))))


def _methods(report: AuditReport) -> Section:
    unreadable = sum(record.read_error is not None for record in report.image_records)
    sentences = (
        f"Every file was decoded once ({unreadable:,} of {len(report.image_records):,} could not be read), hashed as "
        "bytes and as gray values, and reduced to four thumbnails: the whole frame, and three without the border, "
        "which is removed by rules that do not depend on its width.",
        "Each thumbnail has a perceptual hash of brighter and darker places; pairs with a similarity of at least "
        f"{CANDIDATE_SIMILARITY} in one of the eight flips and rotations were aligned and compared in detail.",
        f"From a score of {DUPLICATE_SCORE} a pair is a duplicate; slices of one head 0.67 mm apart stay below.",
        "An image matches a slice of a reference set if finer hashes have a similarity of at least "
        f"{SOURCE_SIMILARITY}; it then has the patient of that slice.",
        "Images linked by duplicates or by patients form one group, and all intervals come from a bootstrap of "
        "whole groups.",
    )
    return Section("Methods", paragraph(" ".join(sentences)))
