"""AuditReport -> one self-contained HTML page that a person can judge."""

from __future__ import annotations

from typing import Literal

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.duplicates.near_duplicates import CANDIDATE_SIMILARITY, DUPLICATE_SCORE
from tumorlens.auditing.issues import Leak
from tumorlens.auditing.page.contact_sheets import Kinship
from tumorlens.auditing.page.figure_sections import damage_section, shortcut_section
from tumorlens.auditing.page.image_sections import conflict_section, copy_section, leak_section, source_section
from tumorlens.auditing.provenance.reference_index import SOURCE_SIMILARITY
from tumorlens.report import Blocks, Paragraph, Section, Tile, code, note, paragraph, render_page, tiles


def audit_page(found: AuditReport) -> str:
    """The whole page."""
    parts = ", ".join(f"{count:,} {part}" for part, count in found.subset_sizes.items())
    classes = ", ".join(found.table.classes)
    return render_page(
        f"Audit of {found.table.name}",
        f"{len(found.table):,} images ({parts or 'no split'}) of {len(found.table.classes)} classes: {classes}",
        audit_sections(found),
        footer=(
            f"Split {found.table.split_hash[:16]}. 95 % intervals: bootstrap of groups of copies and patients.",
            "This page shows images and names of files; treat it as you treat the data.",
        ),
    )


def audit_sections(found: AuditReport) -> list[Section]:
    """The sections of the page, for use in a larger one."""
    kinship = Kinship(found)
    return [
        _verdict(found),
        leak_section(kinship),
        copy_section(kinship),
        source_section(kinship),
        conflict_section(kinship),
        shortcut_section(found),
        damage_section(found),
        _unseen(found),
        _method(found),
    ]


def level(found: AuditReport) -> Literal["ok", "warning", "danger"]:
    """How bad the verdict is: results are wrong, may be, or nothing speaks against them."""
    if found.leaking or any(damage.level == "danger" for damage in found.integrity):
        return "danger"
    doubts = found.label_conflicts or found.duplicates.n_distinct < len(found.table)
    return "warning" if doubts or any(damage.level == "warning" for damage in found.integrity) else "ok"


def _verdict(found: AuditReport) -> Section:
    total, distinct = len(found.table), found.duplicates.n_distinct
    known = list(dict.fromkeys(trace.reference for trace in found.source_matches))
    contradicted = len({i for conflict in found.label_conflicts for i in conflict.samples})
    leaks = [_leak_tile(leak) for leak in found.leaks if leak.subset == "test" or leak.samples]
    others = [
        Tile("Distinct images", f"{distinct:,}", hint=f"of {total:,} files; {total - distinct:,} are copies"),
        Tile(
            "Traced to a known set",
            f"{len(found.source_matches):,}",
            hint=f"images, to {' and '.join(known)}" if known else "images",
        ),
        Tile("Label conflicts", f"{len(found.label_conflicts):,}", hint=f"{contradicted:,} images in them"),
        *_shortcut_tile(found),
        Tile("Damage", f"{len(found.integrity):,}", hint="findings about files, masks, annotations"),
    ]
    shown = (tiles(leaks) if leaks else ()) + tiles(others)
    return Section("The verdict", note(level(found), found.verdict) + shown + _advice(found))


def _leak_tile(leak: Leak) -> Tile:
    part = {"test": "Test", "val": "Validation"}[leak.subset]
    what, of = (
        ("have a copy in train", "") if leak.by == "duplicate" else ("show a patient of train", " of known patient")
    )
    return Tile(f"{part} images that {what}", leak.rate, hint=f"{len(leak.samples):,} of {leak.rate.n:,}{of}")


def _shortcut_tile(found: AuditReport) -> list[Tile]:
    if not found.shortcuts:
        return []
    best = max(found.shortcuts, key=lambda shortcut: shortcut.balanced_accuracy.value)
    return [Tile("Told without anatomy", best.balanced_accuracy, hint=f"balanced accuracy, from {best.name}")]


def _advice(found: AuditReport) -> Blocks:
    """The command that mends it."""
    if level(found) == "ok" and len(found.subset_sizes) > 1:
        return ()
    if found.leaking:
        why = "A split that keeps every patient and every copy on one side, without the copies, to train on instead:"
    else:
        why = "A split by the groups found here, without the copies:"
    return paragraph(why) + code("tumorlens audit PATH --write-split split.csv\ntumorlens train split.csv -o my-run")


def _unseen(found: AuditReport) -> Section:
    always = (
        "Crops that leave out a part of the head, turns by other angles than 90°, and slices of one patient that no "
        "known set names are not recognized; nor is what an image shows."
    )
    return Section("What was not looked at", tuple(map(Paragraph, (*found.notes, always))))


def _method(found: AuditReport) -> Section:
    unread = sum(one.read_error is not None for one in found.image_records)
    sentences = (
        f"Every file was decoded once ({unread:,} of {len(found.image_records):,} could not be), hashed as bytes and as gray "
        "values, and drawn small four times: whole, and with its border taken away by three rules that do not depend "
        "on how wide the border was.",
        f"Each drawing became a code of brighter and darker places; pairs whose codes agree to at least {CANDIDATE_SIMILARITY} in "
        "one of the eight flips and turns were laid on each other, aligned, and compared in detail.",
        f"From a score of {DUPLICATE_SCORE} they are one image; slices of one head two thirds of a millimeter apart stay below.",
        f"An image is a slice of a known set where finer codes agree to at least {SOURCE_SIMILARITY}; its patient is then the "
        "patient of that slice.",
        "What is connected by copies or by patients is one group, and all intervals come from drawing whole groups.",
    )
    return Section("How it was done", paragraph(" ".join(sentences)))
