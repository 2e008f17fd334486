"""duplicates + source matches -> label conflicts: duplicates with different labels, or a label unlike the source's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tumorlens.auditing.issues import DuplicateClusters, LabelConflict, SourceMatch
from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY


def find_label_conflicts(
    table: Table, duplicates: DuplicateClusters, source_matches: Sequence[SourceMatch]
) -> tuple[LabelConflict, ...]:
    """Contradictory labels, one conflict for an image with all of its duplicates.

    Data sets may define different classes: yes/no beside three tumor types is no contradiction. Two labels
    contradict each other where both sets have both classes; a class without a tumor contradicts every tumor class.

    Args:
        table: the samples and their labels.
        duplicates: of the table.
        source_matches: of the table.
    """
    vocabulary: dict[str, set[str]] = {}
    for sample in table.samples:
        vocabulary.setdefault(sample.dataset, set()).add(sample.label)
    wrong: dict[int, SourceMatch] = {}
    for match in source_matches:
        sample = table.samples[match.sample]
        if _contradict(sample.label, vocabulary[sample.dataset], match.label, {match.label, sample.label}):
            wrong[match.sample] = match
    conflicts = []
    for cluster in duplicates.clusters:
        labels = [table.samples[i].label for i in cluster]
        vocabularies = [vocabulary[table.samples[i].dataset] for i in cluster]
        match_of_cluster = next((wrong[i] for i in cluster if i in wrong), None)
        contradictory = any(
            _contradict(label, classes, other, other_classes)
            for label, classes in zip(labels, vocabularies, strict=True)
            for other, other_classes in _different(labels, vocabularies, label)
        )
        if match_of_cluster or contradictory:
            conflicts.append(_conflict(cluster, labels, match_of_cluster))
            wrong = {i: match for i, match in wrong.items() if i not in cluster}
    conflicts += [_conflict([i], [table.samples[i].label], match) for i, match in wrong.items()]
    return tuple(sorted(conflicts, key=lambda conflict: conflict.samples))


def _conflict(samples: Sequence[int], labels: Sequence[str], match: SourceMatch | None) -> LabelConflict:
    label, source = (match.label, f"{match.reference} {match.slice}") if match else (None, None)
    return LabelConflict(tuple(samples), tuple(labels), label, source)


def _different(labels: Sequence[str], vocabularies: Sequence[set[str]], label: str) -> Iterable[tuple[str, set[str]]]:
    """The labels other than this one, each with the classes of its data set."""
    return [(other, classes) for other, classes in zip(labels, vocabularies, strict=True) if other != label]


def _contradict(first: str, first_classes: set[str], second: str, second_classes: set[str]) -> bool:
    if first == second:
        return False
    return (first in HEALTHY) != (second in HEALTHY) or (first in second_classes and second in first_classes)
