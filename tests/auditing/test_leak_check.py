"""Training stops on a leak; a split that tumorlens makes has none; what was found once is remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.leaky_dataset import make_leaky_dataset
from tumorlens.auditing import check_leaks, find_linked_groups, split_folds, split_given, with_groups
from tumorlens.auditing import leak_check as guard
from tumorlens.datasets import Table, open_table
from tumorlens.errors import LeakError


@pytest.fixture
def leaky_dataset(phantom_table: Table, tmp_path: Path) -> Table:
    folder = make_leaky_dataset(tmp_path / "leaky", phantom_table)
    (folder / "train" / "no_tumor" / "broken.png").unlink()
    return split_given(open_table(folder), val=0)


def test_a_leak_stops_with_its_count_and_what_to_do(leaky_dataset: Table) -> None:
    with pytest.raises(LeakError, match=r"6 of 14 test images have a duplicate in train.*--write-split.*--allow-leak"):
        check_leaks(leaky_dataset, find_linked_groups(leaky_dataset))


def test_a_leak_can_be_allowed_and_is_then_told(leaky_dataset: Table) -> None:
    (leak,) = check_leaks(leaky_dataset, find_linked_groups(leaky_dataset), allow=True)
    assert (leak.subset, leak.by, len(leak.samples)) == ("test", "duplicate", 6)


def test_a_clean_split_passes(phantom_table: Table) -> None:
    assert check_leaks(phantom_table, find_linked_groups(phantom_table)) == ()


def test_a_split_by_the_ties_does_not_leak(leaky_dataset: Table) -> None:
    bare = replace(leaky_dataset, plan=None, samples=tuple(replace(s, split=None) for s in leaky_dataset.samples))
    made = with_groups(bare, find_linked_groups(bare))
    assert any("put into groups by the audit" in note for note in made.notes)
    split = split_folds(made, folds=2, val=0)
    assert check_leaks(split, find_linked_groups(split)) == ()


def test_where_nothing_is_tied_groups_stay_as_they_are(phantom_table: Table) -> None:
    assert with_groups(phantom_table, find_linked_groups(phantom_table)) == phantom_table


def test_patients_torn_on_request_are_no_leak_but_copies_are(phantom_table: Table, leaky_dataset: Table) -> None:
    torn = split_folds(phantom_table, folds=2, val=0, image_level=True)
    assert check_leaks(torn, find_linked_groups(torn)) == ()
    assert leaky_dataset.plan is not None
    ignored = replace(leaky_dataset, plan=replace(leaky_dataset.plan, by="image, patients ignored"))
    with pytest.raises(LeakError):
        check_leaks(ignored, find_linked_groups(ignored))


def test_images_are_compared_once(leaky_dataset: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_linked_groups(leaky_dataset)
    monkeypatch.setattr(guard, "read_image_records", lambda *_, **__: pytest.fail("images were read again"))
    assert find_linked_groups(leaky_dataset) == first
