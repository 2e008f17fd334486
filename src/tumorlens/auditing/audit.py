"""table -> AuditReport: every stage of the audit, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.duplicates.image_records import ImageRecord, Progress, image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.auditing.integrity.file_issues import find_integrity_issues
from tumorlens.auditing.issues import IntegrityIssue, NearestNeighborAccuracy, Shortcut, SourceMatch
from tumorlens.auditing.label_conflicts import find_label_conflicts
from tumorlens.auditing.leakage import find_leaks, groups_of, patients_of
from tumorlens.auditing.provenance.reference_index import ReferenceIndex, mislabeled, shipped, trace
from tumorlens.auditing.shortcuts.shortcut_classifiers import find_shortcuts
from tumorlens.auditing.shortcuts.nearest_neighbor import nearest_neighbor
from tumorlens.datasets import Table
from tumorlens.errors import MissingExtraError

Stages = Callable[[str, int, int], None]


def audit(
    table: Table,
    *,
    known: Sequence[str | Path] | None = None,
    shortcuts: bool = True,
    seed: int = 0,
    progress: Stages | None = None,
) -> AuditReport:
    """Look at a data set for whatever makes a result worthless.

    Every file is decoded once. A file that cannot be read is a finding, not an error.

    Args:
        table: one set, or several pooled (`tumorlens.open_tables`); with a split or without.
        known: index files of known sets to trace images to; None for those that come with tumorlens.
        shortcuts: whether to measure what can be told without anatomy; needs scikit-learn.
        seed: of the bootstrap and of the shortcut classifiers.
        progress: called with (stage, done, total).

    Raises:
        DataError: an index that cannot be read.
    """

    def stage(name: str) -> Progress | None:
        return (lambda done, total: progress(name, done, total)) if progress else None

    sets = shipped() if known is None else tuple(ReferenceIndex.load(path) for path in known)
    seen = image_records([sample.image for sample in table.samples], progress=stage("reading images"))
    duplicates = find_duplicates(seen, progress=stage("comparing images"))
    source_matches = find_source_matches(table, seen, sets, progress=stage("tracing images"))
    patients = patients_of(table, source_matches)
    keys = groups_of(table, duplicates, patients)
    leaks = find_leaks(table, duplicates, patients, keys, seed=seed)
    damage = (*find_integrity_issues(table, seen, progress=stage("reading masks")), *_misnamed(table, source_matches))
    notes: list[str] = []
    found: tuple[Shortcut, ...] = ()
    neighbors: tuple[NearestNeighborAccuracy, ...] = ()
    if shortcuts:
        if progress:
            progress("looking for shortcuts", 0, 1)
        try:
            found = find_shortcuts(table, seen, keys, seed=seed)
        except MissingExtraError as error:
            notes.append(f"Shortcuts were not measured: {error}")
        leaked = {i for leak in leaks if leak.by == "duplicate" for i in leak.samples}
        neighbors = nearest_neighbor(table, seen, leaked, keys, seed=seed)
    else:
        notes.append("Shortcuts were not measured, as asked (--no-shortcuts).")
    if not leaks:
        notes.append("There is no split with a train part and another one, so there was no leak to look for.")
    if not sets:
        notes.append("No index of a known set was given, so no image was traced to its source.")
    unread = sum(one.thumbnails is None for one in seen)
    if unread:
        many = f"{unread} blank or unreadable files were" if unread > 1 else "1 blank or unreadable file was"
        notes.append(f"{many} compared by bytes and pixels only.")
    return AuditReport(
        table=table,
        image_records=tuple(seen),
        duplicates=duplicates,
        source_matches=tuple(source_matches),
        keys=keys,
        leaks=leaks,
        label_conflicts=find_label_conflicts(table, duplicates, source_matches),
        damage=damage,
        shortcuts=found,
        neighbors=neighbors,
        notes=tuple(notes),
    )


def find_source_matches(
    table: Table,
    seen: Sequence[ImageRecord],
    sets: Sequence[ReferenceIndex],
    *,
    progress: Progress | None = None,
) -> list[SourceMatch]:
    """The traces of all images that do not come from the known set itself; at most one each, the surest.

    Args:
        table: whose images.
        seen: a look at each.
        sets: the known sets.
        progress: called with (done, total).
    """
    best: dict[int, SourceMatch] = {}
    for known in sets:
        own = [sample.dataset == known.name and sample.patient is not None for sample in table.samples]
        if all(own):
            continue
        for one in trace(seen, known, progress=progress):
            if not own[one.sample] and (one.sample not in best or one.similarity > best[one.sample].similarity):
                best[one.sample] = one
    return [best[sample] for sample in sorted(best)]


def _misnamed(table: Table, source_matches: Sequence[SourceMatch]) -> tuple[IntegrityIssue, ...]:
    wrong = mislabeled(table, source_matches)
    if not wrong:
        return ()
    items = tuple(
        (table.samples[t.sample].image, f"shows {t.known} {t.slice}, its name says {claim}") for t, claim in wrong
    )
    many = f"{len(wrong)} files are" if len(wrong) > 1 else "1 file is"
    what = f"{many} named after another slice than the one shown; check labels that were made from names."
    return (IntegrityIssue("misnamed", what, "warning", items),)
