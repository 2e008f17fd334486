"""table -> ties: the audit's cheap part, which `train` and `evaluate` run by themselves.

Copies and sources are kept in the cache folder, keyed by the content of the files, so that the second
command on the same data pays nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b

from tumorlens._files import atomic_write, cache_folder
from tumorlens.auditing.audit import find_source_matches
from tumorlens.auditing.duplicates.image_records import Progress, image_records
from tumorlens.auditing.duplicates.near_duplicates import find_duplicates
from tumorlens.auditing.issues import DuplicateGroup, Leak, DuplicatePair, SourceMatch
from tumorlens.auditing.leakage import find_leaks, groups_of, patients_of
from tumorlens.auditing.provenance.reference_index import shipped
from tumorlens.auditing.cleaning import grouped
from tumorlens.datasets import Table, fingerprint
from tumorlens.errors import LeakError

# Part of the key: raise it when another pair would be called a copy, or another image traced.
_VERSION = 2


@dataclass(frozen=True)
class LinkedGroups:
    """What ties the samples of a table together.

    Attributes:
        duplicates: its copies.
        source_matches: its images of known sets.
        patients: for every sample its patient, stated or recovered; None where unknown.
        keys: for every sample the group that must stay on one side of a split.
    """

    duplicates: DuplicateGroup
    source_matches: tuple[SourceMatch, ...]
    patients: tuple[str | None, ...]
    keys: tuple[str, ...]

    def leaks(self, table: Table) -> tuple[Leak, ...]:
        """What of the table's val and test is known from its train.

        Patients that were torn apart on request (``--ignore-patients``) do not count here, for every
        result says so already.
        """
        found = find_leaks(table, self.duplicates, self.patients, self.keys)
        torn = table.plan is not None and table.plan.by == "image, patients ignored"
        return tuple(leak for leak in found if leak.samples and not (torn and leak.by == "patient"))


def find_linked_groups(table: Table, *, progress: Progress | None = None) -> LinkedGroups:
    """Copies and known sources in a table.

    Args:
        table: with a split or without.
        progress: called with (done, total) while images are read.

    Raises:
        DataError: a file is gone.
    """
    duplicates, source_matches = _remembered(table, progress)
    patients = patients_of(table, source_matches)
    return LinkedGroups(duplicates, source_matches, patients, groups_of(table, duplicates, patients))


def with_groups(table: Table, ties: LinkedGroups) -> Table:
    """The table with recovered patients and copies in its groups, so that a split by group does not leak."""
    made = grouped(table, ties.keys)
    changed = sum(a.group != b.group for a, b in zip(made.samples, table.samples, strict=True))
    if not changed:
        return table
    note = f"{table.name}: {changed} images put into groups by the audit, as copies or as slices of a known set"
    notes = [text for text in table.notes if not (made.has_patients and "no patient ids" in text)]
    return replace(made, notes=(*notes, note))


def check_leaks(table: Table, ties: LinkedGroups, *, allow: bool = False) -> tuple[Leak, ...]:
    """See that nothing outside of train is known from train.

    Args:
        table: with a split.
        ties: of this table.
        allow: whether to go on all the same.

    Returns:
        The leaks that were allowed.

    Raises:
        LeakError: there are some; says how many.
    """
    found = ties.leaks(table)
    if found and not allow:
        parts = [
            f"{len(leak.samples):,} of {leak.rate.n:,} {leak.part} images "
            + ("have a copy in train" if leak.by == "duplicate" else "show a patient who is also in train")
            for leak in found
        ]
        raise LeakError(
            f"{table.name}: {', '.join(parts)}, so no figure on this split can be believed; make a clean one with: "
            "tumorlens audit DATA --write-split split.csv (or go on with --allow-leak; every result then says so)"
        )
    return found


def _remembered(table: Table, progress: Progress | None) -> tuple[DuplicateGroup, tuple[SourceMatch, ...]]:
    stated = [[sample.dataset, sample.patient is not None] for sample in table.samples]
    content = f"{_VERSION}|{fingerprint(table)}|{json.dumps(stated)}|{[(k.name, len(k)) for k in shipped()]}"
    path = cache_folder() / f"{blake2b(content.encode(), digest_size=16).hexdigest()}.ties.json"
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        duplicates = DuplicateGroup(tuple(held["cluster"]), tuple(DuplicatePair(**pair) for pair in held["pairs"]))
        return duplicates, tuple(SourceMatch(**one) for one in held["source_matches"])
    seen = image_records([sample.image for sample in table.samples], progress=progress)
    duplicates = find_duplicates(seen)
    source_matches = tuple(find_source_matches(table, seen, shipped()))
    held = {
        "cluster": duplicates.cluster,
        "pairs": [asdict(pair) for pair in duplicates.pairs],
        "source_matches": [asdict(one) for one in source_matches],
    }
    with atomic_write(path) as part:
        part.write_text(json.dumps(held), encoding="utf-8")
    return duplicates, source_matches
