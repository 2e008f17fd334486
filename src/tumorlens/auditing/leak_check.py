"""table -> linked groups: the fast part of the audit, which `train` and `evaluate` run by themselves.

Duplicates and source matches are cached in the cache folder under a hash of the files' content, so that the
next command on the same data does not compare the images again.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b

from tumorlens._files import atomic_write, cache_folder
from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.auditing.audit import find_source_matches
from tumorlens.auditing.cleaning import with_group_names
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.auditing.issues import DuplicateClusters, DuplicatePair, Leak, SourceMatch
from tumorlens.auditing.leakage import find_leaks, groups_of, patients_of
from tumorlens.auditing.provenance.reference_index import shipped_indexes
from tumorlens.datasets import Table, fingerprint
from tumorlens.errors import LeakError

LOGGER = logging.getLogger(__name__)

# Part of the cache key: raise it when other pairs become duplicates, or other images match a source.
_VERSION = 2


@dataclass(frozen=True)
class LinkedGroups:
    """The samples of a table that are linked by duplicates or by patients.

    Attributes:
        duplicates: of the table.
        source_matches: its images that show slices of a reference set.
        patients: the patient of every sample, stated or recovered; None where unknown.
        groups: the group of every sample, which must stay within one subset.
    """

    duplicates: DuplicateClusters
    source_matches: tuple[SourceMatch, ...]
    patients: tuple[str | None, ...]
    groups: tuple[str, ...]

    def leaks(self, table: Table) -> tuple[Leak, ...]:
        """The validation and test images that leak from train.

        Patients split across subsets on request (``--split-by image``) do not count here, since every result
        already reports them.
        """
        leaks = find_leaks(table, self.duplicates, self.patients, self.groups)
        image_level = table.plan is not None and table.plan.by == "image_ignoring_patients"
        return tuple(leak for leak in leaks if leak.samples and not (image_level and leak.by == "patient"))


def find_linked_groups(table: Table, *, progress: ProgressOption = None) -> LinkedGroups:
    """Find the duplicates and source matches of a table, and group its samples by them.

    Args:
        table: with a split or without.
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: a file is missing.
    """
    with progress_of(progress) as shown:
        duplicates, matches = _cached_links(table, shown)
    patients = patients_of(table, matches)
    return LinkedGroups(duplicates, matches, patients, groups_of(table, duplicates, patients))


def with_groups(table: Table, linked_groups: LinkedGroups) -> Table:
    """The table with recovered patients and duplicates as groups, so that a split by group does not leak."""
    grouped = with_group_names(table, linked_groups.groups)
    changed = sum(a.group != b.group for a, b in zip(grouped.samples, table.samples, strict=True))
    if not changed:
        return table
    note = f"{table.name}: {changed} images grouped by the audit, as duplicates or as slices of a reference set"
    LOGGER.info("note: %s", note)
    notes = [text for text in table.notes if not (grouped.has_patients and "no patient ids" in text)]
    return replace(grouped, notes=(*notes, note))


def check_leaks(table: Table, linked_groups: LinkedGroups, *, allow: bool = False) -> tuple[Leak, ...]:
    """Check that no validation or test image leaks from train.

    Args:
        table: with a split.
        linked_groups: of this table.
        allow: continue in spite of leaks.

    Returns:
        The leaks that were allowed.

    Raises:
        LeakError: there are leaks; the message counts them.
    """
    leaks = linked_groups.leaks(table)
    if leaks and not allow:
        counts = [
            f"{len(leak.samples):,} of {leak.rate.n:,} {leak.subset} images "
            + ("have a duplicate in train" if leak.by == "duplicate" else "show a patient who is also in train")
            for leak in leaks
        ]
        raise LeakError(
            found=f"{table.name}: {', '.join(counts)}, so results on this split are too high",
            expected="a split without leaks",
            advice="make one with: tumorlens audit DATA --write-split split.csv (or continue with --allow-leak; "
            "every result then reports the leak)",
        )
    return leaks


def _cached_links(table: Table, progress: Progress) -> tuple[DuplicateClusters, tuple[SourceMatch, ...]]:
    """The duplicates and source matches of a table, from the cache where they are there."""
    stated = [[sample.dataset, sample.patient is not None] for sample in table.samples]
    references = [(index.name, len(index)) for index in shipped_indexes()]
    content = f"{_VERSION}|{fingerprint(table)}|{json.dumps(stated)}|{references}"
    path = cache_folder() / f"{blake2b(content.encode(), digest_size=16).hexdigest()}.linked.json"
    if path.is_file():
        cached = json.loads(path.read_text(encoding="utf-8"))
        pairs = tuple(DuplicatePair(**pair) for pair in cached["pairs"])
        duplicates = DuplicateClusters(tuple(cached["cluster_ids"]), pairs)
        return duplicates, tuple(SourceMatch(**match) for match in cached["source_matches"])
    records = read_image_records([sample.image for sample in table.samples], progress=progress)
    volumes = [sample.volume for sample in table.samples]
    duplicates = find_duplicates(records, volumes=volumes, progress=progress)
    matches = tuple(find_source_matches(table, records, shipped_indexes(), progress=progress))
    cached = {
        "cluster_ids": duplicates.cluster_ids,
        "pairs": [asdict(pair) for pair in duplicates.pairs],
        "source_matches": [asdict(match) for match in matches],
    }
    with atomic_write(path) as part:
        part.write_text(json.dumps(cached), encoding="utf-8")
    return duplicates, matches
