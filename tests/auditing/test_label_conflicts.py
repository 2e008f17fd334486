"""Contradictory labels are conflicts; different class names of two sets are not."""

from __future__ import annotations

from pathlib import Path

from tumorlens.auditing.issues import DuplicateClusters, SourceMatch
from tumorlens.auditing.label_conflicts import find_label_conflicts
from tumorlens.datasets import Sample, Table


def _table(*names: str) -> Table:
    samples = tuple(
        Sample(f"{name.split(':')[0]}/{i}", Path(f"{i}.png"), name.split(":")[1]) for i, name in enumerate(names)
    )
    return Table("t", samples, tuple(dict.fromkeys(s.label for s in samples)))


def _match(sample: int, label: str) -> SourceMatch:
    return SourceMatch(sample, "reference", "12", "p", label, 0, 0.9)


def test_duplicates_with_two_labels_are_a_conflict() -> None:
    table = _table("a:glioma", "a:meningioma", "a:glioma")
    (conflict,) = find_label_conflicts(table, DuplicateClusters((0, 0, 2), ()), [])
    assert (conflict.samples, conflict.labels, conflict.reference_label) == ((0, 1), ("glioma", "meningioma"), None)


def test_the_source_decides_between_the_labels_of_duplicates_in_one_conflict() -> None:
    table = _table("a:glioma", "a:meningioma")
    (conflict,) = find_label_conflicts(
        table, DuplicateClusters((0, 0), ()), [_match(0, "meningioma"), _match(1, "meningioma")]
    )
    assert (conflict.samples, conflict.reference_label, conflict.source) == ((0, 1), "meningioma", "reference 12")


def test_a_label_that_contradicts_the_source_is_a_conflict() -> None:
    table = _table("a:glioma", "a:meningioma")
    (conflict,) = find_label_conflicts(
        table, DuplicateClusters((0, 1), ()), [_match(0, "meningioma"), _match(1, "meningioma")]
    )
    assert (conflict.samples, conflict.labels) == ((0,), ("glioma",))


def test_sets_with_other_class_names_do_not_contradict_each_other() -> None:
    table = _table("a:tumor", "a:no_tumor", "b:glioma", "b:meningioma")
    assert find_label_conflicts(table, DuplicateClusters((0, 1, 0, 3), ()), [_match(0, "glioma")]) == ()


def test_two_healthy_classes_agree_and_each_contradicts_a_tumor() -> None:
    table = _table("a:normal", "a:tumor", "b:no_tumor", "b:glioma")
    assert find_label_conflicts(table, DuplicateClusters((0, 1, 0, 3), ()), []) == ()
    (conflict,) = find_label_conflicts(table, DuplicateClusters((0, 1, 2, 0), ()), [])
    assert conflict.labels == ("normal", "glioma")


def test_no_tumor_contradicts_every_tumor() -> None:
    table = _table("a:no_tumor", "a:tumor", "b:glioma")
    assert len(find_label_conflicts(table, DuplicateClusters((0, 1, 0), ()), [])) == 1
    assert len(find_label_conflicts(table, DuplicateClusters((0, 1, 2), ()), [_match(0, "glioma")])) == 1
