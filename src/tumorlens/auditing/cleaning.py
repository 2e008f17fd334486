"""AuditReport -> tables to go on with: without copies, with groups, split so that nothing leaks."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import DuplicateGroup
from tumorlens.auditing.splits import split_folds
from tumorlens.datasets import Table
from tumorlens.datasets.unannotated import UNANNOTATED

if TYPE_CHECKING:
    from tumorlens.auditing.audit_report import AuditReport


def grouped(table: Table, keys: Sequence[str]) -> Table:
    """The table with every sample in its group; samples that are alone and of unknown patients stay without."""
    samples = tuple(
        replace(sample, group=None if key == sample.id else key)
        for sample, key in zip(table.samples, keys, strict=True)
    )
    return replace(table, samples=samples)


def clean(found: AuditReport) -> Table:
    """The table without copies and without files that cannot be used, in groups.

    Of each image a file stays whose label nothing contradicts, if there is one, and the one with the most
    pixels of those. The split goes too where it leaks, for it was
    made of the copies.

    Raises:
        DataError: nothing is left.
    """
    table = found.table
    doubts = doubtful(found)
    kept = {_best(table, found.image_records, cluster, doubts) for cluster in _all_clusters(found.duplicates)}
    usable = {table.samples[i].id for i in kept if found.image_records[i].thumbnails is not None}
    whole = grouped(table, found.keys)
    if found.leaking:
        whole = replace(whole, plan=None, samples=tuple(replace(s, split=None) for s in whole.samples))
    note = (
        f"{table.name}: cleaned by tumorlens audit, {len(table) - len(kept)} copies and "
        f"{len(kept) - len(usable)} blank or unreadable files left out"
    )
    return replace(whole.where(lambda s: s.id in usable), notes=(*_still_true(found), note))


def doubtful(found: AuditReport) -> set[str]:
    """Ids of images whose label is contradicted, and not confirmed by their source."""
    return {
        found.table.samples[i].id
        for conflict in found.label_conflicts
        for i, label in zip(conflict.samples, conflict.labels, strict=True)
        if label != conflict.known
    }


def remarks(found: AuditReport) -> dict[str, str]:
    """What must be known of every image in a conflict, by id."""
    said = {}
    for conflict in found.label_conflicts:
        labels = " and ".join(dict.fromkeys(conflict.labels))
        source = f"; {conflict.source} is {conflict.known}" if conflict.source else ""
        for i, label in zip(conflict.samples, conflict.labels, strict=True):
            judged = "label confirmed" if label == conflict.known else "label contradicted"
            said[found.table.samples[i].id] = f"{judged}: it or copies of it are called {labels}{source}"
    return said


def safe_split(found: AuditReport, *, folds: int = 5, fold: int = 0, val: float = 0.1, seed: int = 0) -> Table:
    """A split of the clean table by group, stratified by class; images with a contradicted label are left out.

    Args:
        found: the audit.
        folds: as `split_folds`.
        fold: likewise.
        val: likewise.
        seed: likewise.

    Raises:
        SplitError: an argument out of range, or a class with too few groups.
    """
    table, doubts = clean(found), doubtful(found)
    sure = table.where(lambda s: s.id not in doubts and s.label != UNANNOTATED)
    if len(sure) < len(table):
        note = f"{table.name}: {len(table) - len(sure)} images without a label, or with a contradicted one, left out"
        classes = tuple(name for name in sure.classes if name != UNANNOTATED)
        sure = replace(sure, classes=classes, notes=(*sure.notes, note))
    return split_folds(replace(sure, plan=None), folds=folds, fold=fold, val=val, seed=seed)


def _all_clusters(duplicates: DuplicateGroup) -> list[list[int]]:
    members: dict[int, list[int]] = {}
    for position, cluster in enumerate(duplicates.cluster):
        members.setdefault(cluster, []).append(position)
    return list(members.values())


def _best(table: Table, image_records: Sequence[ImageRecord], cluster: Sequence[int], doubts: Container[str]) -> int:
    """The largest image of undoubted label; of equals the largest file, then the first."""

    def worth(i: int) -> tuple[bool, int, int, int]:
        height, width = image_records[i].size
        return table.samples[i].id not in doubts, height * width, image_records[i].bytes, -i

    return max(cluster, key=worth)


def _still_true(found: AuditReport) -> tuple[str, ...]:
    recovered = sum(1 for t in found.source_matches if t.patient and not found.table.samples[t.sample].group)
    if not recovered:
        return found.table.notes
    note = f"{found.table.name}: patients of {recovered} images recovered from known sets by tumorlens audit"
    return (*(n for n in found.table.notes if "no patient ids" not in n), note)
