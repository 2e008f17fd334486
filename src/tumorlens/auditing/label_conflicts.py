"""twins + traces -> label conflicts: one image under two names, or under another name than its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tumorlens.auditing.issues import DuplicateGroup, LabelConflict, SourceMatch
from tumorlens.datasets import Table
from tumorlens.datasets.classes import HEALTHY


def find_label_conflicts(
    table: Table, duplicates: DuplicateGroup, source_matches: Sequence[SourceMatch]
) -> tuple[LabelConflict, ...]:
    """Contradicting labels, one conflict for an image with all of its copies.

    Sets may name their classes differently: yes/no beside three tumors is no contradiction. Two labels
    contradict each other where both sets know both, and every class without a tumor contradicts every tumor.

    Args:
        table: the samples and their labels.
        duplicates: its copies.
        source_matches: its images of known sets.
    """
    vocabulary: dict[str, set[str]] = {}
    for sample in table.samples:
        vocabulary.setdefault(sample.dataset, set()).add(sample.label)
    wrong: dict[int, SourceMatch] = {}
    for trace in source_matches:
        sample = table.samples[trace.sample]
        if _contradict(sample.label, vocabulary[sample.dataset], trace.label, {trace.label, sample.label}):
            wrong[trace.sample] = trace
    found = []
    for cluster in duplicates.clusters:
        labels = [table.samples[i].label for i in cluster]
        sets = [vocabulary[table.samples[i].dataset] for i in cluster]
        judged = next((wrong[i] for i in cluster if i in wrong), None)
        apart = any(
            _contradict(a, s, b, t) for a, s in zip(labels, sets, strict=True) for b, t in _apart(labels, sets, a)
        )
        if judged or apart:
            found.append(_conflict(cluster, labels, judged))
            wrong = {i: trace for i, trace in wrong.items() if i not in cluster}
    found += [_conflict([i], [table.samples[i].label], trace) for i, trace in wrong.items()]
    return tuple(sorted(found, key=lambda conflict: conflict.samples))


def _conflict(samples: Sequence[int], labels: Sequence[str], trace: SourceMatch | None) -> LabelConflict:
    known, source = (trace.label, f"{trace.known} {trace.slice}") if trace else (None, None)
    return LabelConflict(tuple(samples), tuple(labels), known, source)


def _apart(labels: Sequence[str], sets: Sequence[set[str]], label: str) -> Iterable[tuple[str, set[str]]]:
    return [(other, names) for other, names in zip(labels, sets, strict=True) if other != label]


def _contradict(first: str, names: set[str], second: str, others: set[str]) -> bool:
    if first == second:
        return False
    return (first in HEALTHY) != (second in HEALTHY) or (first in others and second in names)
