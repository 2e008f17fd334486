"""Splits: patients in one subset, classes in proportion, every image tested once, reproducible by seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import split_folds, split_given, split_whole
from tumorlens.datasets import Sample, Table, check_groups, pool
from tumorlens.errors import SplitError

COUNTS = {"glioma": 30, "meningioma": 20, "pituitary": 15}


@pytest.fixture
def table() -> Table:
    return tiny_datasets.patients(COUNTS)


def given(table: Table, **splits: str) -> Table:
    """The table with a split by class name, as a data set may have it."""
    return replace(table, samples=tuple(replace(s, split=splits.get(s.label)) for s in table.samples))


def halved(table: Table) -> Table:
    """Train and test by patient number, even and odd."""
    rows = (replace(s, split=("train", "test")[int(s.id.split("-")[1]) % 2]) for s in table.samples)
    return replace(table, samples=tuple(rows))


def sides(table: Table) -> dict[str, set[str | None]]:
    """The subsets of each patient."""
    found: dict[str, set[str | None]] = {}
    for sample in table.samples:
        found.setdefault(sample.unit, set()).add(sample.split)
    return found


def shares(table: Table) -> dict[str, float]:
    counts = Counter(s.label for s in table.samples)
    return {name: counts[name] / len(table) for name in table.classes}


@pytest.mark.parametrize("seed", range(5))
def test_every_patient_is_in_one_subset(table: Table, seed: int) -> None:
    split = split_folds(table, seed=seed)
    assert all(len(found) == 1 for found in sides(split).values())
    check_groups(split)


def test_the_folds_of_one_seed_test_every_image_exactly_once(table: Table) -> None:
    tested = Counter(s.id for fold in range(5) for s in split_folds(table, fold=fold).subset("test").samples)
    assert tested == Counter(s.id for s in table.samples)


def test_every_subset_has_the_class_proportions_of_the_whole(table: Table) -> None:
    for fold in range(5):
        split = split_folds(table, fold=fold)
        for subset in ("train", "val", "test"):
            for name, share in shares(split.subset(subset)).items():
                assert share == pytest.approx(shares(table)[name], abs=0.06)


def test_folds_have_equal_numbers_of_images_though_patients_differ(table: Table) -> None:
    sizes = [len(split_folds(table, fold=fold).subset("test")) for fold in range(5)]
    assert max(sizes) - min(sizes) <= 0.05 * len(table)


@pytest.mark.parametrize("val", [0.05, 0.1, 0.15, 0.3, 0.4, 0.5])
def test_val_has_the_requested_share(table: Table, val: float) -> None:
    split = split_folds(table, val=val)
    rest = len(split.subset("train")) + len(split.subset("val"))
    assert len(split.subset("val")) / rest == pytest.approx(val, abs=0.04)


def test_a_small_class_is_in_val_without_enlarging_val() -> None:
    split = split_folds(tiny_datasets.patients({"glioma": 100, "rare": 10}), folds=5)
    val = split.subset("val")
    assert {s.label for s in val.samples} == {"glioma", "rare"}
    assert len(val) < 0.15 * len(split.subset("train"))


def test_no_val_is_made_for_share_0(table: Table) -> None:
    assert {s.split for s in split_folds(table, val=0).samples} == {"train", "test"}


def test_val_does_not_change_the_test_subset(table: Table) -> None:
    assert split_folds(table, val=0).subset("test").samples == split_folds(table, val=0.3).subset("test").samples


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_samples(table: Table) -> None:
    backwards = replace(table, samples=table.samples[::-1])
    assert split_folds(table, seed=1).split_hash == split_folds(backwards, seed=1).split_hash
    assert split_folds(table, seed=1).split_hash != split_folds(table, seed=2).split_hash


def test_an_earlier_split_has_no_influence(table: Table) -> None:
    assert split_folds(split_folds(table, seed=7)) == split_folds(table)


def test_the_plan_records_the_arguments(table: Table) -> None:
    plan = split_folds(table, folds=4, fold=2, val=0.2, seed=3).plan
    assert plan is not None
    assert plan.to_dict() == {
        "by": "patient",
        "source": "folds",
        "seed": 3,
        "folds": 4,
        "fold": 2,
        "val": 0.2,
    }


def test_image_level_splits_are_made_only_on_request_and_recorded_in_the_plan(table: Table) -> None:
    split = split_folds(table, image_level=True)
    assert split.plan is not None
    assert split.plan.by == "image_ignoring_patients"
    assert any(len(found) > 1 for found in sides(split).values())
    check_groups(split)  # on purpose, so no error


def test_without_patients_the_split_is_by_image_and_the_plan_records_it() -> None:
    nameless = tiny_datasets.patients(COUNTS, known=False)
    for ignore in (False, True):
        plan = split_folds(nameless, image_level=ignore).plan
        assert plan is not None
        assert plan.by == "image"


def test_known_patients_stay_in_one_subset_when_pooled_with_images_of_unknown_patients() -> None:
    table = pool([tiny_datasets.patients(COUNTS), tiny_datasets.patients({"no_tumor": 20}, name="none", known=False)])
    split = split_folds(table)
    assert all(len(found) == 1 for found in sides(split).values())
    assert split.plan is not None
    assert split.plan.by == "patient"


def test_a_patient_with_two_classes_stays_in_one_subset() -> None:
    table = tiny_datasets.patients(COUNTS)
    both = tuple(replace(s, group="made:both") if s.id.split("-")[1] in ("000", "001") else s for s in table.samples)
    assert all(len(found) == 1 for found in sides(split_folds(replace(table, samples=both))).values())


def test_a_class_with_fewer_patients_than_folds_is_refused() -> None:
    with assert_refused(SplitError, found="class rare has 4 patients .* 5 subsets", advice="--folds"):
        split_folds(tiny_datasets.patients({"glioma": 20, "rare": 4}))


def test_a_class_with_one_patient_left_in_train_cannot_give_one_to_val() -> None:
    table = tiny_datasets.patients({"glioma": 20, "rare": 2})
    with assert_refused(SplitError, found="class rare has 1 patients", advice="--val 0"):
        split_folds(table, folds=2)
    assert {s.label for s in split_folds(table, folds=2, val=0).subset("train").samples} == {"glioma", "rare"}


def test_a_class_without_images_has_no_influence(table: Table) -> None:
    wider = split_folds(replace(table, classes=(*table.classes, "no_tumor")))
    assert [s.split for s in wider.samples] == [s.split for s in split_folds(table).samples]


@pytest.mark.parametrize(
    ("wrong", "found", "expected"),
    [
        ({"folds": 1}, "^1 folds$", "^at least 2$"),
        ({"folds": 5, "fold": 5}, "^fold 5 of 5$", "^0 to 4$"),
        ({"fold": -1}, "^fold -1 of 5$", "^0 to 4$"),
        ({"val": 0.6}, "^val share 0.6$", "^0 to 0.5$"),
        ({"val": -0.1}, "^val share -0.1$", "^0 to 0.5$"),
        ({"val": float("nan")}, "^val share nan$", "^0 to 0.5$"),
    ],
)
def test_arguments_out_of_range_are_refused(table: Table, wrong: dict[str, float], found: str, expected: str) -> None:
    with assert_refused(SplitError, found=found, expected=expected):
        split_folds(table, **wrong)  # type: ignore[arg-type]


def test_a_given_test_subset_is_kept_and_val_is_held_out_from_train(table: Table) -> None:
    given_split = halved(table)
    split = split_given(given_split)
    assert [s.id for s in split.subset("test").samples] == [s.id for s in given_split.subset("test").samples]
    rest = len(given_split.subset("train"))
    assert len(split.subset("val")) / rest == pytest.approx(0.1, abs=0.04)
    assert len(split.subset("train")) + len(split.subset("val")) == rest
    assert all(len(found) == 1 for found in sides(split).values())
    assert split.plan is not None
    assert (split.plan.source, split.plan.val, split.plan.folds) == ("given", 0.1, None)


def test_a_given_val_subset_is_kept_too(table: Table) -> None:
    given_split = given(table, glioma="train", meningioma="val", pituitary="test")
    split = split_given(given_split, val=0.4)
    assert split.samples == given_split.samples
    assert split.plan is not None
    assert split.plan.val == 0


def test_a_set_without_train_and_test_has_no_given_split(table: Table) -> None:
    with assert_refused(SplitError, found="no train and test subsets", advice="make folds"):
        split_given(table)


def test_samples_without_a_split_are_not_lost_silently_beside_a_set_with_an_official_split(table: Table) -> None:
    pooled = pool([halved(table), tiny_datasets.patients({"no_tumor": 20}, name="none")])
    with assert_refused(SplitError, found=r"made\+none: 70 of .* are in no split, the first is none/no_tumor"):
        split_given(pooled)
    assert all(s.split for s in split_folds(pooled).samples)


def test_a_given_split_with_a_patient_in_two_subsets_is_refused_unless_requested(table: Table) -> None:
    first, *rest = halved(table).samples
    leaking = replace(table, samples=(replace(first, split="test"), *rest))
    with assert_refused(SplitError, found="patient made:glioma-000 is in '(train|test)' and in '(train|test)'"):
        split_given(leaking)
    split = split_given(leaking, image_level=True)
    assert split.plan is not None
    assert split.plan.by == "image_ignoring_patients"


def test_without_a_test_subset_every_patient_is_in_train_or_val(table: Table) -> None:
    whole = split_whole(table, val=0.2, seed=1)
    patients = {name: {s.unit for s in whole.samples if s.split == name} for name in ("train", "val", "test")}
    assert not patients["test"]
    assert not patients["train"] & patients["val"]
    assert patients["train"] | patients["val"] == {s.unit for s in whole.samples}
    assert whole.plan is not None
    assert (whole.plan.source, whole.plan.folds, whole.plan.val) == ("whole", None, 0.2)
    assert split_whole(table, val=0.2, seed=1).split_hash == whole.split_hash
    assert {s.split for s in split_whole(table, val=0).samples} == {"train"}


def _pooled(patients: dict[str, int], images: int = 4) -> Table:
    """A set of three classes, and others of one class: name -> number of patients."""
    sets = {"large": ("glioma", "pituitary", "no_tumor"), **dict.fromkeys(patients, ("no_tumor",))}
    samples = tuple(
        Sample(f"{name}/{label}-{p}-{i}", Path("a.png"), label, group=f"{name}:{label}-{p}")
        for name, labels in sets.items()
        for label in labels
        for p in range(patients.get(name, 40))
        for i in range(images)
    )
    return Table("pooled", samples, ("glioma", "pituitary", "no_tumor"))


@pytest.mark.parametrize("seed", range(3))
def test_each_set_of_a_pooled_table_is_spread_over_all_folds(seed: int) -> None:
    table = _pooled({"heads": 6, "lesions": 200})
    for fold in range(5):
        test = split_folds(table, fold=fold, seed=seed).subset("test")
        patients = {name: {s.group for s in test if s.dataset == name} for name in ("heads", "lesions", "large")}
        assert len(patients["heads"]) in (1, 2)
        assert len(patients["lesions"]) == 40
        assert len(patients["large"]) == 24


def test_a_set_of_few_patients_keeps_them_for_training_when_others_fill_val() -> None:
    val = split_folds(_pooled({"heads": 6, "lesions": 200}), val=0.1).subset("val")
    assert {s.dataset for s in val} == {"large", "lesions"}
    alone = _pooled({}).filter(lambda s: s.label != "no_tumor" or int(s.id.split("-")[1]) < 3)
    assert {s.label for s in split_folds(alone, folds=3, val=0.1).subset("val")} == {"glioma", "pituitary", "no_tumor"}
