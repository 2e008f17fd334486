"""A run may be measured on a subset of its own data as it was, or on data it has never seen."""

from __future__ import annotations

from dataclasses import replace

from tests.fixtures import tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table
from tumorlens.errors import DataError, SplitError
from tumorlens.evaluation.subset import bootstrap_of, choose_subset, spread
from tumorlens.training import Run


def test_of_its_own_data_one_subset_is_chosen(finished_run: Run) -> None:
    own, part, name = choose_subset(finished_run, subset="val")
    assert name == "val"
    assert {sample.split for sample in part.samples} == {"val"}
    assert len(own) > len(part)


def test_all_of_external_data_is_chosen_unless_training_saw_some_of_it(finished_run: Run) -> None:
    other = replace(tiny_datasets.patients({"glioma": 2}), classes=finished_run.spec.classes)
    _, part, name = choose_subset(finished_run, other)
    assert (part, name) == (other, "all")
    seen = finished_run.table().subset("train").samples[:1]
    with assert_refused(SplitError, found="1 of its patients or images are in the run's train"):
        choose_subset(finished_run, Table("other", seen, finished_run.spec.classes))
    with assert_refused(DataError, found=r"classes \['angioma'\] found", expected="those of the run"):
        choose_subset(finished_run, tiny_datasets.patients({"angioma": 1}))


def test_the_sampling_unit_depends_on_what_is_known() -> None:
    known, unknown = (
        tiny_datasets.patients({"glioma": 2}),
        tiny_datasets.patients({"glioma": 2}, name="bare", known=False),
    )
    assert bootstrap_of(known).unit == "patient"
    assert bootstrap_of(unknown).unit == "image"
    both = Table("both", (*known.samples, *unknown.samples), ("glioma",))
    bootstrap = bootstrap_of(both)
    assert bootstrap.unit == "patient or image"
    assert len(set(bootstrap.units)) == 2 + len(unknown)


def test_images_are_spread_over_patients_and_over_each_of_them() -> None:
    units = ["a"] * 9 + ["b"] * 3 + ["c"]
    assert spread(units, 100) == list(range(13))
    assert [units[i] for i in spread(units, 3)] == ["a", "b", "c"]
    assert spread(units, 3) == [4, 10, 12]  # the middle of each
    assert [units[i] for i in spread(units, 5)] == ["a", "a", "b", "b", "c"]
    names = [f"{label}-{i}" for label in ("glioma", "pituitary") for i in range(10)]
    assert [name.split("-")[0] for name in (names[i] for i in spread(names, 4))] == ["glioma"] * 2 + ["pituitary"] * 2
