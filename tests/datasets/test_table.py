"""Tables: checked when made, ordered, hashed, pooled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tumorlens.datasets import Sample, SplitPlan, Table, check_groups, pool
from tumorlens.errors import DataError, SplitError

PLAN = SplitPlan("patient", "folds", 0, 5, 0, 0.1)


@pytest.fixture
def table() -> Table:
    return tiny_datasets.patients({"glioma": 4, "meningioma": 3})


def in_train(table: Table) -> Table:
    return replace(table, samples=tuple(replace(s, split="train") for s in table.samples))


def test_a_sample_names_its_set_and_what_is_split_as_one() -> None:
    sample = Sample("figshare/7", Path("7.jpg"), "glioma", group="figshare:100360")
    assert sample.dataset == "figshare"
    assert sample.unit == "figshare:100360"
    assert replace(sample, group=None).unit == "figshare/7"


def test_samples_stand_in_the_order_of_their_ids(table: Table) -> None:
    assert replace(table, samples=table.samples[::-1]) == table
    assert [s.id for s in table.samples] == sorted(s.id for s in table.samples)


def test_labels_are_positions_in_the_class_map_also_where_a_class_is_missing(table: Table) -> None:
    wider = replace(table, classes=("aaa", *table.classes))
    assert set(table.labels) == {0, 1}
    assert wider.labels == [label + 1 for label in table.labels]
    assert set(wider.where(lambda s: s.label == "meningioma").labels) == {2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": ()}, "made: no images found"),
        ({"classes": ("glioma",)}, r"labels \['meningioma'\] are not among the classes \['glioma'\]"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(table: Table, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(table, **change)


def test_an_id_that_comes_twice_is_refused(table: Table) -> None:
    with pytest.raises(DataError, match=r"1 ids occur more than once, the first is made/glioma-000-0"):
        replace(table, samples=(*table.samples, table.samples[0]))


def test_a_planned_split_leaves_no_sample_out(table: Table) -> None:
    first, *rest = in_train(table).samples
    with pytest.raises(SplitError, match=r"1 of 24 samples are in no split, the first is made/glioma-000-0"):
        replace(table, samples=(replace(first, split=None), *rest), plan=PLAN)


def test_an_empty_part_says_how_to_make_one(table: Table) -> None:
    with pytest.raises(DataError, match=r"no sample is in split 'test'; make one with: tumorlens data split"):
        in_train(table).subset("test")


def test_patients_are_known_only_if_each_sample_names_one(table: Table) -> None:
    first, *rest = table.samples
    assert table.has_patients
    assert not replace(table, samples=(replace(first, group=None), *rest)).has_patients


def test_the_hash_changes_with_whatever_makes_another_split(table: Table) -> None:
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


def test_the_hash_is_that_of_the_split_wherever_the_files_lie(table: Table) -> None:
    moved = tuple(replace(s, image=Path("/elsewhere") / s.image, mask=Path("m.png")) for s in table.samples)
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


def test_a_plan_outlives_pooling_only_where_all_share_it(table: Table) -> None:
    one = replace(in_train(table), plan=PLAN)
    two = replace(in_train(tiny_datasets.patients({"glioma": 2}, name="two")), plan=PLAN)
    assert pool([one, two]).plan == PLAN
    assert pool([one, replace(two, plan=replace(PLAN, seed=1))]).plan is None
    assert pool([one, tiny_datasets.patients({"glioma": 2}, name="two")]).plan is None
    assert pool([one]) is one


def test_one_set_named_twice_is_refused(table: Table) -> None:
    with pytest.raises(DataError, match=r"two data sets of one name in \['made', 'made'\]"):
        pool([table, table])


def test_pooling_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no data set given"):
        pool([])


def test_a_patient_on_two_sides_is_found_and_named(table: Table) -> None:
    first, *rest = in_train(table).samples
    torn = replace(table, samples=(replace(first, split="test"), *rest))
    with pytest.raises(SplitError, match=r"patient made:glioma-000 is in 'test' and in 'train'"):
        check_groups(torn)
    check_groups(replace(torn, plan=SplitPlan("image, patients ignored", "file")))
    check_groups(table)
