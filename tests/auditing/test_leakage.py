"""Duplicates and patients in two subsets are counted, and define the groups that no split may divide."""

from __future__ import annotations

from pathlib import Path

from tumorlens.auditing.issues import DuplicateClusters, DuplicatePair, SourceMatch
from tumorlens.auditing.leakage import find_leaks, groups_of, patients_of
from tumorlens.datasets import Sample, SliceOrigin, Table

SPLITS = ("train", "train", "test", "test", "test", "val")
GROUPS = ("s:a", None, "s:a", None, None, None)
NO_DUPLICATES = DuplicateClusters(tuple(range(6)), ())
DUPLICATES = DuplicateClusters((0, 1, 2, 1, 4, 5), (DuplicatePair(1, 3, "near", 0, 0.99),))
SOURCE_MATCHES = [SourceMatch(4, "k", "77", "p", "x", 5, 0.95), SourceMatch(1, "k", "78", "p", "x", 0, 0.95)]


def _table(splits: tuple[str | None, ...] = SPLITS) -> Table:
    samples = tuple(
        Sample(f"s/{i}", Path(f"{i}.png"), "xy"[i % 2], group=group, split=split)
        for i, (group, split) in enumerate(zip(GROUPS, splits, strict=True))
    )
    return Table("s", samples, ("x", "y"))


def _leaks(duplicates: DuplicateClusters, source_matches: list[SourceMatch]) -> dict[tuple[str, str], tuple[int, ...]]:
    table = _table()
    patients = patients_of(table, source_matches)
    found = find_leaks(table, duplicates, patients, groups_of(table, duplicates, patients))
    return {(leak.subset, leak.by): leak.samples for leak in found}


def test_a_stated_patient_in_train_and_test_is_a_leak() -> None:
    assert _leaks(NO_DUPLICATES, []) == {("test", "duplicate"): (), ("test", "patient"): (2,), ("val", "duplicate"): ()}


def test_a_duplicate_in_train_and_test_is_a_leak() -> None:
    assert _leaks(DUPLICATES, [])["test", "duplicate"] == (3,)


def test_a_recovered_patient_in_train_and_test_is_a_leak() -> None:
    assert _leaks(NO_DUPLICATES, SOURCE_MATCHES)["test", "patient"] == (2, 4)


def test_a_stated_patient_takes_precedence_over_a_recovered_one() -> None:
    table = _table()
    assert patients_of(table, [SourceMatch(0, "k", "1", "q", "x", 0, 0.9)])[0] == "s:a"


def test_groups_join_patients_and_duplicates() -> None:
    table = _table()
    assert groups_of(table, DUPLICATES, patients_of(table, [])) == (
        "s:a",
        "copies:s/1",
        "s:a",
        "copies:s/1",
        "s/4",
        "s/5",
    )
    assert groups_of(table, DUPLICATES, patients_of(table, SOURCE_MATCHES)) == (
        "s:a",
        "k:p",
        "s:a",
        "k:p",
        "k:p",
        "s/5",
    )


def test_rates_refer_to_the_whole_subset_for_duplicates_and_to_known_patients_for_patients() -> None:
    table = _table()
    patients = patients_of(table, [])
    duplicate, patient, _ = find_leaks(table, DUPLICATES, patients, groups_of(table, DUPLICATES, patients))
    assert (duplicate.rate.n, duplicate.rate.value) == (3, 1 / 3)
    assert duplicate.per_class == {"x": (0, 2), "y": (1, 1)}
    assert (patient.rate.n, patient.rate.value) == (1, 1.0)


def test_without_a_train_subset_nothing_can_leak() -> None:
    table = _table((None,) * 6)
    patients = patients_of(table, [])
    assert find_leaks(table, DUPLICATES, patients, groups_of(table, DUPLICATES, patients)) == ()


def _slices(splits: tuple[str, ...], **origin: str) -> Table:
    samples = tuple(
        Sample(f"s/{i}", Path(f"{i}.png"), "x", split=split, origin=SliceOrigin(f"s/v{i // 2}", "axial", i, **origin))
        for i, split in enumerate(splits)
    )
    return Table("s", samples, ("x",))


def test_a_volume_in_train_and_test_is_a_leak_though_the_patient_is_unknown() -> None:
    table = _slices(("train", "test", "test", "test"))
    patients = patients_of(table, [])
    alone = DuplicateClusters(tuple(range(4)), ())
    groups = groups_of(table, alone, patients)
    leaks = {leak.by: leak.samples for leak in find_leaks(table, alone, patients, groups)}
    assert leaks == {"duplicate": (), "patient": (1,)}
    assert groups == ("volume:s/v0", "volume:s/v0", "volume:s/v1", "volume:s/v1")


def test_volumes_of_one_study_or_series_are_one_group() -> None:
    alone = DuplicateClusters(tuple(range(4)), ())
    for origin in ({"study": "1f"}, {"series": "2e"}):
        table = _slices(("train",) * 4, **origin)
        assert len(set(groups_of(table, alone, patients_of(table, [])))) == 1
