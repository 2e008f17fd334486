"""AuditReport -> tables for training: without duplicates, with groups, split without leaks."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import DuplicateClusters
from tumorlens.auditing.splits import split_folds
from tumorlens.datasets import Table
from tumorlens.datasets.unannotated import UNANNOTATED

if TYPE_CHECKING:
    from tumorlens.auditing.audit_report import AuditReport


def with_group_names(table: Table, groups: Sequence[str]) -> Table:
    """The table with the group of every sample; a single sample of unknown patient stays without a group."""
    samples = tuple(
        replace(sample, group=None if group == sample.id else group)
        for sample, group in zip(table.samples, groups, strict=True)
    )
    return replace(table, samples=samples)


def clean_table(report: AuditReport) -> Table:
    """The table with groups, without duplicates and without unusable files.

    Of each cluster of duplicates one file stays: one whose label nothing contradicts, if there is any, and of
    those the one with the most pixels. A leaking split is removed, since the duplicates were part of it.

    Raises:
        DataError: nothing is left.
    """
    table = report.table
    contradicted = contradicted_ids(report)
    kept = {_best(table, report.image_records, cluster, contradicted) for cluster in _all_clusters(report.duplicates)}
    usable = {table.samples[i].id for i in kept if report.image_records[i].thumbnails is not None}
    whole = with_group_names(table, report.groups)
    if report.leaking:
        whole = replace(whole, plan=None, samples=tuple(replace(s, split=None) for s in whole.samples))
    note = (
        f"{table.name}: cleaned by tumorlens audit, {len(table) - len(kept)} duplicates and "
        f"{len(kept) - len(usable)} blank or unreadable files left out"
    )
    return replace(whole.filter(lambda s: s.id in usable), notes=(*_valid_notes(report), note))


def contradicted_ids(report: AuditReport) -> set[str]:
    """Ids of images whose label is contradicted and not confirmed by their source."""
    return {
        report.table.samples[i].id
        for conflict in report.label_conflicts
        for i, label in zip(conflict.samples, conflict.labels, strict=True)
        if label != conflict.reference_label
    }


def label_comments(report: AuditReport) -> dict[str, str]:
    """A note on every image with a label conflict, by id."""
    notes = {}
    for conflict in report.label_conflicts:
        labels = " and ".join(dict.fromkeys(conflict.labels))
        source = f"; {conflict.source} is {conflict.reference_label}" if conflict.source else ""
        for i, label in zip(conflict.samples, conflict.labels, strict=True):
            judgment = "label confirmed" if label == conflict.reference_label else "label contradicted"
            notes[report.table.samples[i].id] = f"{judgment}: it or its duplicates are labeled {labels}{source}"
    return notes


def leak_free_split(report: AuditReport, *, folds: int = 5, fold: int = 0, val: float = 0.1, seed: int = 0) -> Table:
    """A split of the clean table by group, stratified by class, without contradicted labels.

    Args:
        report: of the audit.
        folds: as in `split_folds`.
        fold: as in `split_folds`.
        val: as in `split_folds`.
        seed: as in `split_folds`.

    Raises:
        SplitError: an argument out of range, or a class with too few groups.
    """
    table, contradicted = clean_table(report), contradicted_ids(report)
    trusted = table.filter(lambda s: s.id not in contradicted and s.label != UNANNOTATED)
    if len(trusted) < len(table):
        note = f"{table.name}: {len(table) - len(trusted)} images without a label, or with a contradicted one, left out"
        classes = tuple(name for name in trusted.classes if name != UNANNOTATED)
        trusted = replace(trusted, classes=classes, notes=(*trusted.notes, note))
    return split_folds(replace(trusted, plan=None), folds=folds, fold=fold, val=val, seed=seed)


def _all_clusters(duplicates: DuplicateClusters) -> list[list[int]]:
    """All clusters, also those of a single sample."""
    members: dict[int, list[int]] = {}
    for position, cluster_id in enumerate(duplicates.cluster_ids):
        members.setdefault(cluster_id, []).append(position)
    return list(members.values())


def _best(
    table: Table, image_records: Sequence[ImageRecord], cluster: Sequence[int], contradicted: Container[str]
) -> int:
    """The largest image whose label is not contradicted; of equal ones the largest file, then the first."""

    def rank(i: int) -> tuple[bool, int, int, int]:
        height, width = image_records[i].size
        return table.samples[i].id not in contradicted, height * width, image_records[i].file_size, -i

    return max(cluster, key=rank)


def _valid_notes(report: AuditReport) -> tuple[str, ...]:
    """The table's notes that still hold, with one on the recovered patients."""
    recovered = sum(1 for m in report.source_matches if m.patient and not report.table.samples[m.sample].group)
    if not recovered:
        return report.table.notes
    note = f"{report.table.name}: patients of {recovered} images recovered from reference sets by tumorlens audit"
    return (*(n for n in report.table.notes if "no patient ids" not in n), note)
