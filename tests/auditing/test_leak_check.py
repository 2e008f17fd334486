"""Training stops on a leak; splits made by tumorlens have none; duplicates are cached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.leaky_dataset import make_leaky_dataset
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing import check_leaks, find_linked_groups, split_folds, split_given, with_groups
from tumorlens.auditing import leak_check as guard
from tumorlens.datasets import Table, open_table
from tumorlens.errors import LeakError


@pytest.fixture
def leaky_dataset(phantom_table: Table, tmp_path: Path) -> Table:
    folder = make_leaky_dataset(tmp_path / "leaky", phantom_table)
    (folder / "train" / "no_tumor" / "broken.png").unlink()
    return split_given(open_table(folder), val=0)


def test_a_leak_stops_with_its_count_and_a_fix(leaky_dataset: Table) -> None:
    with assert_refused(LeakError, found="6 of 14 test images have a duplicate in train", advice="--write-split"):
        check_leaks(leaky_dataset, find_linked_groups(leaky_dataset))


def test_an_allowed_leak_is_reported(leaky_dataset: Table) -> None:
    (leak,) = check_leaks(leaky_dataset, find_linked_groups(leaky_dataset), allow=True)
    assert (leak.subset, leak.by, len(leak.samples)) == ("test", "duplicate", 6)


def test_a_clean_split_passes(phantom_table: Table) -> None:
    assert check_leaks(phantom_table, find_linked_groups(phantom_table)) == ()


def test_a_split_by_linked_groups_does_not_leak(leaky_dataset: Table) -> None:
    unsplit = replace(leaky_dataset, plan=None, samples=tuple(replace(s, split=None) for s in leaky_dataset.samples))
    grouped = with_groups(unsplit, find_linked_groups(unsplit))
    assert any("grouped by the audit" in note for note in grouped.notes)
    split = split_folds(grouped, folds=2, val=0)
    assert check_leaks(split, find_linked_groups(split)) == ()


def test_without_links_groups_stay_unchanged(phantom_table: Table) -> None:
    assert with_groups(phantom_table, find_linked_groups(phantom_table)) == phantom_table


def test_patients_split_on_request_are_no_leak_but_duplicates_are(phantom_table: Table, leaky_dataset: Table) -> None:
    image_level = split_folds(phantom_table, folds=2, val=0, image_level=True)
    assert check_leaks(image_level, find_linked_groups(image_level)) == ()
    assert leaky_dataset.plan is not None
    ignored = replace(leaky_dataset, plan=replace(leaky_dataset.plan, by="image_ignoring_patients"))
    with pytest.raises(LeakError):
        check_leaks(ignored, find_linked_groups(ignored))


def test_progress_names_what_is_compared_and_the_cache_is_silent(
    leaky_dataset: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUMORLENS_CACHE", str(tmp_path / "cache"))
    steps: list[tuple[str, int, int | None]] = []
    find_linked_groups(leaky_dataset, progress=lambda *step: steps.append(step))
    last = {stage: (done, total) for stage, done, total in steps}
    assert list(last) == ["reading images", "finding duplicates", "matching reference sets"]
    assert all(done == total for done, total in last.values())
    assert last["reading images"] == (len(leaky_dataset), len(leaky_dataset))
    steps.clear()
    find_linked_groups(leaky_dataset, progress=lambda *step: steps.append(step))
    assert steps == []


def test_images_are_compared_once(leaky_dataset: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_linked_groups(leaky_dataset)
    monkeypatch.setattr(guard, "read_image_records", lambda *_, **__: pytest.fail("images were read again"))
    assert find_linked_groups(leaky_dataset) == first
