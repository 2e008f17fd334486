"""A quick run is short, and its sample has whole groups and all classes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fixtures.tiny_datasets import patients
from tumorlens.auditing import LinkedGroups
from tumorlens.auditing.issues import DuplicateClusters
from tumorlens.datasets import Table
from tumorlens.experiments.reproduction import quick
from tumorlens.experiments.reproduction.quick import quick_overrides, subsample
from tumorlens.training import load_recipe


def linked(table: Table) -> LinkedGroups:
    groups = tuple(str(sample.group) for sample in table.samples)
    return LinkedGroups(DuplicateClusters(tuple(range(len(table))), ()), (), groups, groups)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["epochs=5", "input.size=64"], ()),
        (["epochs=10", "input.size=96"], ()),
        (["epochs=11", "input.size=64"], ("epochs=10",)),
        (["epochs=5", "input.size=192"], ("input.size=96",)),
        (
            ["epochs=50", "input.mode=center_crop", "input.size=192", "input.resize=224"],
            ("epochs=10", "input.size=96", "input.resize=112"),
        ),
        (["epochs=5", "input.mode=center_crop", "input.size=64", "input.resize=224"], ()),
    ],
)
def test_only_what_is_too_long_or_too_large_is_limited(settings: list[str], expected: tuple[str, ...]) -> None:
    assert quick_overrides(load_recipe("demo", settings)) == expected


def test_without_an_input_size_that_of_the_network_counts() -> None:
    recipe = load_recipe("demo", ["epochs=1"]).model_copy(update={"model": "efficientnet_b0"})
    recipe = recipe.model_copy(update={"input": recipe.input.model_copy(update={"size": None})})
    assert quick_overrides(recipe) == ("input.size=96",)


def test_a_small_table_is_used_whole() -> None:
    table = patients({"glioma": 5, "no_tumor": 5})
    assert subsample(table, linked(table), 0) is table


def test_a_large_table_is_sampled_in_whole_groups_equally_per_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "MAX_IMAGES", 60)
    monkeypatch.setattr(quick, "MIN_GROUPS", 3)
    table = patients({"glioma": 200, "no_tumor": 20})
    sizes = Counter(sample.group for sample in table.samples)
    one, again, other = (subsample(table, linked(table), seed) for seed in (0, 0, 1))
    assert [s.id for s in one.samples] == [s.id for s in again.samples] != [s.id for s in other.samples]
    assert all(sizes[group] == count for group, count in Counter(sample.group for sample in one.samples).items())
    counts = Counter(sample.label for sample in one.samples)
    assert all(30 <= counts[label] < 30 + max(sizes.values()) + 1 for label in table.classes)


def test_every_class_keeps_the_fewest_groups_that_folds_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "MAX_IMAGES", 10)
    table = patients({"glioma": 40, "no_tumor": 40}, slices=(5,))
    found = subsample(table, linked(table), 0)
    groups = {(sample.label, sample.group) for sample in found.samples}
    assert Counter(label for label, _ in groups) == dict.fromkeys(table.classes, quick.MIN_GROUPS)
