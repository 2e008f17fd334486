"""The nearest neighbor measures memorization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.fixtures.image_records import frame, one_each, record, table
from tumorlens.auditing.issues import NearestNeighborAccuracy
from tumorlens.auditing.shortcuts import nearest_neighbor as nearest
from tumorlens.auditing.shortcuts.nearest_neighbor import nearest_neighbor_accuracy


def neighbors(
    frames: Sequence[np.ndarray | None], rows: Sequence[str], leaked: Sequence[int] = ()
) -> list[NearestNeighborAccuracy]:
    """Of images by ``"<label> <split>"``."""
    labels, splits = zip(*(row.split() for row in rows), strict=True)
    image_records = [record(frame(0) if one is None else one, number=i) for i, one in enumerate(frames)]
    image_records = [
        replace(image_record, thumbnails=None) if one is None else image_record
        for image_record, one in zip(image_records, frames, strict=True)
    ]
    return list(nearest_neighbor_accuracy(table(labels, splits), image_records, leaked, one_each(len(rows))))


def test_brightened_and_mirrored_duplicates_are_found_and_reported_separately() -> None:
    train = [frame(i) for i in range(4)]
    rows = ["a train", "b train", "a train", "b train", "a test", "b test", "a test"]
    copies = [train[0] // 2 + 40, train[1][:, ::-1], train[3]]  # the last is similar to an image of another class
    (found,) = neighbors([*train, *copies], rows, leaked=[4, 5])
    assert found.subset == "test"
    shares = [(one.value, one.n) for one in (found.leaked, found.clean, found.overall) if one]
    assert shares == [(1, 2), (0, 1), (pytest.approx(2 / 3), 3)]


def test_each_subset_beside_train_has_its_own_accuracy() -> None:
    train = [frame(0), frame(1)]
    found = neighbors([*train, *train], ["a train", "b train", "a val", "a test"], leaked=[2])
    assert [(one.subset, one.overall.value) for one in found] == [("test", 0), ("val", 1)]
    assert [(one.leaked is None, one.clean is None) for one in found] == [(True, False), (False, True)]


def test_blank_images_are_left_out_of_both_subsets() -> None:
    train = [frame(0), frame(1), None]
    (found,) = neighbors([*train, frame(1), None], ["a train", "b train", "a train", "b test", "a test"])
    assert (found.overall.value, found.overall.n) == (1, 1)


def test_the_nearest_neighbor_is_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_BLOCK", 3)
    train = [frame(i) for i in range(8)]
    rows = [f"{'ab'[i % 2]} train" for i in range(8)] + [f"{'ab'[i % 2]} test" for i in range(8)]
    (found,) = neighbors([*train, *train], rows)
    assert (found.overall.value, found.overall.n) == (1, 8)


@pytest.mark.parametrize("rows", [["a train", "b train"], ["a test", "b test"]])
def test_without_a_split_there_is_no_nearest_neighbor_accuracy(rows: list[str]) -> None:
    assert neighbors([frame(0), frame(1)], rows) == []
