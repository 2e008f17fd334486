"""table -> AuditReport: all checks of the audit, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tumorlens._progress import Progress, ProgressOption, part_of, progress_of, silent
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.duplicates.image_records import ImageRecord, read_image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.auditing.integrity.dicom_issues import read_header_facts
from tumorlens.auditing.integrity.file_issues import find_integrity_issues
from tumorlens.auditing.issues import IntegrityIssue, NearestNeighborAccuracy, Shortcut, SourceMatch
from tumorlens.auditing.label_conflicts import find_label_conflicts
from tumorlens.auditing.leakage import find_leaks, groups_of, patients_of
from tumorlens.auditing.provenance.reference_index import (
    ReferenceIndex,
    match_sources,
    misnamed_files,
    shipped_indexes,
)
from tumorlens.auditing.shortcuts.nearest_neighbor import nearest_neighbor_accuracy
from tumorlens.auditing.shortcuts.shortcut_classifiers import find_shortcuts
from tumorlens.auditing.volume_facts import find_volume_facts
from tumorlens.datasets import Table
from tumorlens.errors import MissingExtraError


def audit(
    table: Table,
    *,
    reference_indexes: Sequence[str | Path] | None = None,
    shortcuts: bool = True,
    seed: int = 0,
    progress: ProgressOption = None,
) -> AuditReport:
    """Check a data set for issues that invalidate results: leaks, duplicates, label conflicts, shortcuts, bad files.

    Every file is decoded once. A file that cannot be read is an issue, not an error.

    Args:
        table: one data set, or several pooled (`tumorlens.open_tables`); with a split or without.
        reference_indexes: index files of the reference sets to match images to; None for those shipped with tumorlens.
        shortcuts: also measure how well the class is predicted without anatomy; needs scikit-learn.
        seed: of the bootstrap and of the shortcut classifiers.
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: an index that cannot be read.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has two slices of each of 12 synthetic patients
        >>> leaky = tumorlens.split_folds(table, folds=3, image_level=True)
        >>> report = tumorlens.audit(leaky, shortcuts=False)
        >>> report.leaking, report.verdict
        (True, 'Do not report results on this split: 6 of 8 test images show a patient who is also in train, ...')
    """
    with progress_of(progress) as step:
        return _audit(table, reference_indexes, shortcuts, seed, step)


def _audit(
    table: Table, index_files: Sequence[str | Path] | None, shortcuts: bool, seed: int, progress: Progress
) -> AuditReport:
    indexes = shipped_indexes() if index_files is None else tuple(ReferenceIndex.load(path) for path in index_files)
    records = read_image_records([sample.image for sample in table.samples], progress=progress)
    volumes = [sample.volume for sample in table.samples]
    duplicates = find_duplicates(records, volumes=volumes, progress=progress)
    matches = find_source_matches(table, records, indexes, progress=progress)
    patients = patients_of(table, matches)
    groups = groups_of(table, duplicates, patients)
    leaks = find_leaks(table, duplicates, patients, groups, seed=seed)
    headers = read_header_facts(records)
    integrity = (
        *find_integrity_issues(table, records, headers=headers, progress=progress),
        *_misnamed(table, matches),
    )
    notes: list[str] = []
    measured: tuple[Shortcut, ...] = ()
    nearest: tuple[NearestNeighborAccuracy, ...] = ()
    if shortcuts:
        progress("testing shortcuts", 0, 1)
        try:
            measured = find_shortcuts(table, records, groups, seed=seed)
        except MissingExtraError as error:
            notes.append(f"Shortcuts were not measured: {error}")
        leaked = {i for leak in leaks if leak.by == "duplicate" for i in leak.samples}
        nearest = nearest_neighbor_accuracy(table, records, leaked, groups, seed=seed)
        progress("testing shortcuts", 1, 1)
    else:
        notes.append("Shortcuts were not measured, as requested (--no-shortcuts).")
    return AuditReport(
        table=table,
        image_records=tuple(records),
        duplicates=duplicates,
        source_matches=tuple(matches),
        groups=groups,
        leaks=leaks,
        label_conflicts=find_label_conflicts(table, duplicates, matches),
        integrity=integrity,
        shortcuts=measured,
        nearest_neighbor=nearest,
        volumes=find_volume_facts(table, groups, headers),
        notes=(*notes, *_skipped_checks(leaks=bool(leaks), references=bool(indexes), records=records)),
    )


def find_source_matches(
    table: Table,
    records: Sequence[ImageRecord],
    indexes: Sequence[ReferenceIndex],
    *,
    progress: Progress = silent,
) -> list[SourceMatch]:
    """The source matches of all images that are not part of the reference set itself; the most similar one of each.

    Args:
        table: the images.
        records: one for each sample, in the table's order.
        indexes: of the reference sets.
        progress: called while images are compared.
    """
    best: dict[int, SourceMatch] = {}
    for number, index in enumerate(indexes):
        own = [sample.dataset == index.name and sample.patient is not None for sample in table.samples]
        if all(own):
            continue
        for match in match_sources(records, index, progress=part_of(progress, number, len(indexes))):
            i = match.sample
            if not own[i] and (i not in best or match.similarity > best[i].similarity):
                best[i] = match
    return [best[sample] for sample in sorted(best)]


def _skipped_checks(*, leaks: bool, references: bool, records: Sequence[ImageRecord]) -> list[str]:
    """Notes on checks that were not possible with this data."""
    notes = []
    if not leaks:
        notes.append("Leakage was not measured: there is no split with a train subset and another one.")
    if not references:
        notes.append("Provenance was not checked: no index of a reference set was given.")
    n_without = sum(one.thumbnails is None for one in records)
    if n_without:
        files = f"{n_without} blank or unreadable files were" if n_without > 1 else "1 blank or unreadable file was"
        notes.append(f"{files} compared by bytes and pixels only.")
    return notes


def _misnamed(table: Table, matches: Sequence[SourceMatch]) -> tuple[IntegrityIssue, ...]:
    wrong = misnamed_files(table, matches)
    if not wrong:
        return ()
    items = tuple(
        (table.samples[match.sample].image, f"shows {match.reference} {match.slice}, but is named {number}")
        for match, number in wrong
    )
    files = f"{len(wrong)} files are" if len(wrong) > 1 else "1 file is"
    message = f"{files} named after another slice than the one shown; check labels that were made from file names."
    return (IntegrityIssue("misnamed", message, "warning", items),)
