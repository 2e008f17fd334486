"""table + twins + traces -> patients, the groups no split may tear apart, and what leaks over the split there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tumorlens.auditing.duplicates.near_duplicates import Clusters
from tumorlens.auditing.issues import DuplicateGroup, Leak, SourceMatch
from tumorlens.datasets import DUPLICATES_PREFIX, Table
from tumorlens.stats import BootstrapDraws, ClusterBootstrap


def patients_of(table: Table, source_matches: Sequence[SourceMatch]) -> tuple[str | None, ...]:
    """For every sample its patient, as the data set states or as its known source tells; None where neither does."""
    recovered = {t.sample: f"{t.known}:{t.patient}" for t in source_matches if t.patient}
    return tuple(sample.patient or recovered.get(i) for i, sample in enumerate(table.samples))


def groups_of(table: Table, duplicates: DuplicateGroup, patients: Sequence[str | None]) -> tuple[str, ...]:
    """For every sample the name of the group that must stay on one side of a split.

    A group is everything connected by patients and copies. It is called by its first patient; copies
    of unknown patients by ``"copies:<first id>"``; a single image by its id.
    """
    sets = Clusters(len(table))
    first: dict[str, int] = {}
    for position, (cluster, patient) in enumerate(zip(duplicates.cluster, patients, strict=True)):
        sets.join(position, cluster)
        if patient:
            sets.join(position, first.setdefault(patient, position))
    roots = [sets.root(position) for position in range(len(table))]
    names: dict[int, str] = {}
    for root, patient in zip(roots, patients, strict=True):
        if patient:
            names[root] = min(names.get(root, patient), patient)
    sizes = np.bincount(roots, minlength=len(roots))
    for root in set(roots) - set(names):
        name = table.samples[root].id
        names[root] = DUPLICATES_PREFIX + name if sizes[root] > 1 else name
    return tuple(names[root] for root in roots)


def find_leaks(
    table: Table, duplicates: DuplicateGroup, patients: Sequence[str | None], keys: Sequence[str], *, seed: int = 0
) -> tuple[Leak, ...]:
    """What of val and test is known from train, by copies and by patients.

    Args:
        table: with a split, or there is nothing to find.
        duplicates: its copies.
        patients: as `patients_of` says.
        keys: as `groups_of` says; the bootstrap of the intervals draws whole groups.
        seed: of the bootstrap.
    """
    train = [i for i, sample in enumerate(table.samples) if sample.split == "train"]
    if not train:
        return ()
    known: dict[Literal["duplicate", "patient"], tuple[Sequence[object], set[object]]] = {
        "duplicate": (duplicates.cluster, {duplicates.cluster[i] for i in train}),
        "patient": (patients, {patients[i] for i in train if patients[i]}),
    }
    found = []
    for part in ("test", "val"):
        held = [i for i, sample in enumerate(table.samples) if sample.split == part]
        for by, (names, trained) in known.items():
            judged = [i for i in held if names[i] is not None]
            if judged:
                found.append(_leak(table, part, by, judged, [names[i] in trained for i in judged], keys, seed))
    return tuple(found)


def _leak(
    table: Table,
    part: str,
    by: Literal["duplicate", "patient"],
    judged: Sequence[int],
    leaked: Sequence[bool],
    keys: Sequence[str],
    seed: int,
) -> Leak:
    flags = np.array(leaked)
    drawn = BootstrapDraws.draw(ClusterBootstrap([keys[i] for i in judged], "group", seed=seed))
    rate = drawn.sums(flags) / drawn.sums(np.ones(len(flags)))
    labels = np.array([table.samples[i].label for i in judged])
    return Leak(
        part=part,
        by=by,
        samples=tuple(np.array(judged)[flags].tolist()),
        rate=drawn.proportion(rate, np.ones(len(flags), dtype=bool)),
        per_class={
            name: (int(flags[labels == name].sum()), int((labels == name).sum()))
            for name in table.classes
            if (labels == name).any()
        },
    )
