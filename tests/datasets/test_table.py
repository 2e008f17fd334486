"""Tables are validated, sorted, hashed and pooled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import refused
from tumorlens.datasets import Sample, SplitPlan, Table, check_groups, pool
from tumorlens.errors import DataError, SplitError

PLAN = SplitPlan("patient", "folds", 0, 5, 0, 0.1)


@pytest.fixture
def table() -> Table:
    return tiny_datasets.patients({"glioma": 4, "meningioma": 3})


def in_train(table: Table) -> Table:
    return replace(table, samples=tuple(replace(s, split="train") for s in table.samples))


def test_a_sample_has_a_data_set_and_a_sampling_unit() -> None:
    sample = Sample("figshare/7", Path("7.jpg"), "glioma", group="figshare:100360")
    assert sample.dataset == "figshare"
    assert sample.unit == "figshare:100360"
    assert replace(sample, group=None).unit == "figshare/7"


def test_samples_are_sorted_by_id(table: Table) -> None:
    assert replace(table, samples=table.samples[::-1]) == table
    assert [s.id for s in table.samples] == sorted(s.id for s in table.samples)


def test_labels_are_indices_of_the_classes_also_if_a_class_is_missing(table: Table) -> None:
    wider = replace(table, classes=("aaa", *table.classes))
    assert set(table.labels) == {0, 1}
    assert wider.labels == [label + 1 for label in table.labels]
    assert set(wider.where(lambda s: s.label == "meningioma").labels) == {2}


@pytest.mark.parametrize(
    ("change", "found", "expected"),
    [
        ({"samples": ()}, "made: no images found", "at least one"),
        ({"classes": ("glioma",)}, r"labels \['meningioma'\] found", r"only the classes \['glioma'\]"),
    ],
)
def test_an_invalid_table_is_refused(table: Table, change: dict, found: str, expected: str) -> None:
    with refused(DataError, found=found, expected=expected):
        replace(table, **change)


def test_a_repeated_id_is_refused(table: Table) -> None:
    with refused(DataError, found="1 ids occur more than once, the first is made/glioma-000-0"):
        replace(table, samples=(*table.samples, table.samples[0]))


def test_a_split_plan_covers_every_sample(table: Table) -> None:
    first, *rest = in_train(table).samples
    with refused(SplitError, found="1 of 24 samples are in no split, the first is made/glioma-000-0"):
        replace(table, samples=(replace(first, split=None), *rest), plan=PLAN)


def test_an_empty_subset_is_an_error_with_the_command_that_splits(table: Table) -> None:
    with refused(DataError, found="no image is in subset 'test'", advice="make a split with: tumorlens data split"):
        in_train(table).subset("test")


def test_patients_are_known_only_if_every_sample_has_one(table: Table) -> None:
    first, *rest = table.samples
    assert table.has_patients
    assert not replace(table, samples=(replace(first, group=None), *rest)).has_patients


def test_the_split_hash_changes_with_ids_labels_groups_splits_and_classes(table: Table) -> None:
    first, *rest = table.samples
    others = [
        replace(table, samples=(replace(first, **change), *rest))
        for change in (
            {"id": "made/0"},
            {"label": "meningioma"},
            {"group": "made:other"},
            {"group": None},
            {"split": "test"},
        )
    ]
    others.append(replace(table, classes=table.classes[::-1]))
    assert len({table.split_hash, *(other.split_hash for other in others)}) == 7


def test_the_split_hash_does_not_depend_on_paths(table: Table) -> None:
    moved = tuple(replace(s, image=Path("/other") / s.image, mask=Path("m.png")) for s in table.samples)
    assert replace(table, samples=moved, name="other", notes=("moved",)).split_hash == table.split_hash


def test_pooling_keeps_class_order_splits_patients_and_notes(table: Table) -> None:
    table = in_train(replace(table, notes=("a", "b")))
    none = replace(tiny_datasets.patients({"no_tumor": 2}, name="none", known=False), notes=("b", "c"))
    pooled = pool([table, none])
    assert pooled.name == "made+none"
    assert pooled.classes == ("glioma", "meningioma", "no_tumor")
    assert pooled.notes == ("a", "b", "c")
    assert set(pooled.samples) == {*table.samples, *none.samples}
    assert pool([none, table]).classes == ("no_tumor", "glioma", "meningioma")


def test_pooling_keeps_a_split_plan_only_if_all_tables_share_it(table: Table) -> None:
    one = replace(in_train(table), plan=PLAN)
    two = replace(in_train(tiny_datasets.patients({"glioma": 2}, name="two")), plan=PLAN)
    assert pool([one, two]).plan == PLAN
    assert pool([one, replace(two, plan=replace(PLAN, seed=1))]).plan is None
    assert pool([one, tiny_datasets.patients({"glioma": 2}, name="two")]).plan is None
    assert pool([one]) is one


def test_pooling_two_tables_of_one_name_is_refused(table: Table) -> None:
    with refused(DataError, found=r"two data sets of one name in \['made', 'made'\]"):
        pool([table, table])


def test_pooling_nothing_is_refused() -> None:
    with refused(DataError, found="no data set given"):
        pool([])


def test_a_patient_in_two_subsets_is_an_error_that_names_the_patient(table: Table) -> None:
    first, *rest = in_train(table).samples
    leaking = replace(table, samples=(replace(first, split="test"), *rest))
    with refused(SplitError, found="patient made:glioma-000 is in 'test' and in 'train'"):
        check_groups(leaking)
    check_groups(replace(leaking, plan=SplitPlan("image_ignoring_patients", "file")))
    check_groups(table)
