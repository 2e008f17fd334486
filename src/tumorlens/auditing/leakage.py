"""table + duplicates + source matches -> patients, the groups that no split may divide, and the leaks of its split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from tumorlens.auditing.issues import DuplicateClusters, Leak, SourceMatch
from tumorlens.datasets import DUPLICATES_PREFIX, VOLUME_PREFIX, Sample, Table
from tumorlens.stats import BootstrapDraws, ClusterBootstrap

LeakKind = Literal["duplicate", "patient"]


def patients_of(table: Table, source_matches: Sequence[SourceMatch]) -> tuple[str | None, ...]:
    """The patient of every sample, stated by its data set or recovered from its source; None where unknown.

    Slices of one volume are of one patient, so where nothing else is known the volume stands for the patient.
    """
    recovered = {match.sample: f"{match.reference}:{match.patient}" for match in source_matches if match.patient}
    return tuple(
        sample.patient or recovered.get(i) or (f"{VOLUME_PREFIX}{sample.volume}" if sample.volume else None)
        for i, sample in enumerate(table.samples)
    )


def groups_of(table: Table, duplicates: DuplicateClusters, patients: Sequence[str | None]) -> tuple[str, ...]:
    """The name of every sample's group, which must stay within one subset of a split.

    A group is a connected component of samples linked by patients, duplicates, and the volume, series and study of
    slices. Its name is its first patient; for slices of unknown patients ``"volume:<id of the volume>"``; for
    duplicates of unknown patients ``"copies:<first id>"``; for a single image its id.
    """
    from scipy.cluster.hierarchy import DisjointSet

    components = DisjointSet(range(len(table)))
    first: dict[str, int] = {}
    for position, (cluster_id, patient) in enumerate(zip(duplicates.cluster_ids, patients, strict=True)):
        components.merge(position, cluster_id)
        if patient:
            components.merge(position, first.setdefault(patient, position))
        for link in _links(table.samples[position]):
            components.merge(position, first.setdefault(link, position))
    names = [""] * len(table)
    for component in components.subsets():
        known = [patient for position in component if (patient := patients[position])]
        first_id = table.samples[min(component)].id
        stated = [patient for patient in known if not patient.startswith(VOLUME_PREFIX)]
        name = min(stated or known) if known else DUPLICATES_PREFIX + first_id if len(component) > 1 else first_id
        for position in component:
            names[position] = name
    return tuple(names)


def _links(sample: Sample) -> Iterator[str]:
    """Names of what a slice has in common with others of its patient."""
    if sample.origin:
        yield f"volume {sample.origin.volume}"
        if sample.origin.series:
            yield f"series {sample.dataset} {sample.origin.series}"
        if sample.origin.study:
            yield f"study {sample.dataset} {sample.origin.study}"


def find_leaks(
    table: Table,
    duplicates: DuplicateClusters,
    patients: Sequence[str | None],
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> tuple[Leak, ...]:
    """The validation and test images that leak from train, by duplicates and by patients.

    Args:
        table: with a split, or there are no leaks to find.
        duplicates: of the table.
        patients: from `patients_of`.
        groups: from `groups_of`; the sampling units of the bootstrap for the intervals.
        seed: of the bootstrap.
    """
    train = [i for i, sample in enumerate(table.samples) if sample.split == "train"]
    if not train:
        return ()
    in_train: dict[LeakKind, tuple[Sequence[object], set[object]]] = {
        "duplicate": (duplicates.cluster_ids, {duplicates.cluster_ids[i] for i in train}),
        "patient": (patients, {patients[i] for i in train if patients[i]}),
    }
    leaks = []
    for subset in ("test", "val"):
        held_out = [i for i, sample in enumerate(table.samples) if sample.split == subset]
        for by, (names, train_names) in in_train.items():
            checked = [i for i in held_out if names[i] is not None]
            if checked:
                leaked = [names[i] in train_names for i in checked]
                leaks.append(_leak(table, subset, by, checked, leaked, groups, seed))
    return tuple(leaks)


def _leak(
    table: Table,
    subset: str,
    by: LeakKind,
    checked: Sequence[int],
    leaked: Sequence[bool],
    groups: Sequence[str],
    seed: int,
) -> Leak:
    flags = np.array(leaked)
    bootstrap = BootstrapDraws.draw(ClusterBootstrap([groups[i] for i in checked], "group", seed=seed))
    rate = bootstrap.sums(flags) / bootstrap.sums(np.ones(len(flags)))
    labels = np.array([table.samples[i].label for i in checked])
    return Leak(
        subset=subset,
        by=by,
        samples=tuple(np.array(checked)[flags].tolist()),
        rate=bootstrap.proportion(rate, np.ones(len(flags), dtype=bool)),
        per_class={
            name: (int(flags[labels == name].sum()), int((labels == name).sum()))
            for name in table.classes
            if (labels == name).any()
        },
    )
