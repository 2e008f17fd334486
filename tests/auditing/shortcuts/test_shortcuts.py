"""Shortcuts: what gives the class away is found, anatomy is not mistaken for it, and memory is told from skill."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.duplicates.perceptual_hash import THUMBNAIL_SIDE, VIEWS
from tumorlens.auditing.issues import NearestNeighborAccuracy, Shortcut
from tumorlens.auditing.shortcuts import shortcut_classifiers
from tumorlens.auditing.shortcuts import nearest_neighbor as nearest
from tumorlens.auditing.shortcuts.shortcut_classifiers import find_shortcuts
from tumorlens.auditing.shortcuts.nearest_neighbor import nearest_neighbor_accuracy
from tumorlens.datasets import Sample, Table
from tumorlens.errors import MissingExtraError

ROWS, COLUMNS = np.mgrid[:THUMBNAIL_SIDE, :THUMBNAIL_SIDE] - THUMBNAIL_SIDE / 2
MEASURES = ["width and height", "file", "border", "metadata and border", "head occluded"]


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the trees: what is planted here is found as well, and sooner."""
    monkeypatch.setattr(shortcut_classifiers, "_TREES", 20)


def table(labels: Sequence[str], splits: Sequence[str | None] | None = None) -> Table:
    samples = tuple(
        Sample(f"made/{i:04d}", Path(f"{i}.png"), label, split=splits[i] if splits else None)
        for i, label in enumerate(labels)
    )
    return Table("made", samples, tuple(sorted(set(labels))))


def frame(seed: int, *, radius: float = 20, tumor: bool = False) -> np.ndarray:
    """A gray head of its own texture before a background of faint noise."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 7, (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    head = np.hypot(ROWS / 1.2, COLUMNS) < radius
    drawn[head] = random.integers(90, 140, head.sum())
    if tumor:
        drawn[28:36, 28:36] = 250
    return drawn.astype(np.uint8)


def look(
    drawn: np.ndarray, *, number: int = 0, size: tuple[int, int] = (512, 512), weight: int = 20_000
) -> ImageRecord:
    """A look at a PNG whose file size and border do not depend on its class."""
    random = np.random.default_rng(1000 + number)
    return ImageRecord(
        path=Path(f"{number}.png"),
        file_size=weight + int(random.integers(1000)),
        file_hash="",
        format="PNG",
        mode="L",
        size=size,
        border=(float(random.normal(3, 1)), float(random.normal(2, 0.5))),
        thumbnails=np.stack([drawn] * VIEWS),
    )


def plain(count: int) -> list[ImageRecord]:
    return [look(frame(i), number=i) for i in range(count)]


def singly(count: int) -> list[str]:
    return [f"patient {i}" for i in range(count)]


def measured(
    made: Table, image_records: Sequence[ImageRecord], groups: Sequence[str] | None = None
) -> dict[str, Shortcut]:
    return {one.name: one for one in find_shortcuts(made, image_records, groups or singly(len(image_records)))}


def test_nothing_is_found_where_nothing_gives_the_class_away() -> None:
    found = measured(table(["glioma", "no_tumor"] * 60), plain(120))
    assert list(found) == MEASURES
    for one in found.values():
        assert one.majority_baseline == 0.5
        assert one.best_separated == ""


def test_a_size_of_its_own_tells_a_class() -> None:
    labels = ["glioma", "meningioma", "no_tumor"] * 30
    image_records = [replace(one, size=(300, 280 if i % 3 == 2 else 300)) for i, one in enumerate(plain(90))]
    found = measured(table(labels), image_records)
    assert found["width and height"].best_separated.endswith("and no_tumor (100.0%)")
    assert found["width and height"].accuracy.value > 0.6 > 0.4 > found["width and height"].majority_baseline
    assert found["metadata and border"].best_separated
    assert found["border"].best_separated == found["head occluded"].best_separated == ""


@pytest.mark.parametrize("trace", [{"mode": "RGB"}, {"format": "JPEG"}, {"file_size": 60_000}])
def test_how_a_file_is_stored_tells_a_class(trace: dict) -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [one if i % 2 else replace(one, **trace) for i, one in enumerate(plain(60))]
    found = measured(table(labels), image_records)
    assert found["file"].accuracy.value == 1
    assert found["file"].best_separated == "glioma and no_tumor (100.0%)"
    assert found["width and height"].best_separated == found["border"].best_separated == ""


def test_a_bright_border_tells_a_class() -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [one if i % 2 else replace(one, border=(40.0, 2.0)) for i, one in enumerate(plain(60))]
    found = measured(table(labels), image_records)
    assert found["border"].accuracy.value == found["metadata and border"].accuracy.value == 1
    assert found["file"].best_separated == ""


def test_a_marking_outside_of_the_head_tells_a_class() -> None:
    labels = ["glioma", "no_tumor"] * 30
    frames = [frame(i) for i in range(60)]
    for drawn in frames[::2]:
        drawn[2:12, 2:14] = 220
    found = measured(table(labels), [look(drawn, number=i) for i, drawn in enumerate(frames)])
    assert found["head occluded"].accuracy.value > 0.95
    assert found["border"].best_separated == ""


def test_tumors_and_the_size_of_heads_are_no_shortcut() -> None:
    labels = ["glioma", "no_tumor"] * 60
    drawn = [frame(i, radius=(14, 22)[i % 2], tumor=i % 2 == 0) for i in range(120)]
    found = measured(table(labels), [look(one, number=i) for i, one in enumerate(drawn)])
    assert found["head occluded"].accuracy.n == 120
    assert found["head occluded"].best_separated == ""
    assert found["head occluded"].accuracy.value < 0.65


def test_images_full_of_head_are_left_out_of_what_is_outside_of_it() -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [look(frame(i, radius=80 if i < 10 else 20), number=i) for i in range(60)]
    found = measured(table(labels), image_records)
    assert found["head occluded"].accuracy.n == 50
    assert "50 of 60 images" in found["head occluded"].features
    assert found["border"].accuracy.n == 60


def test_what_only_identifies_a_patient_is_no_shortcut() -> None:
    """Each patient has a size of its own; only who tears patients apart takes it for a sign of the class."""
    labels = [("glioma", "no_tumor")[patient % 2] for patient in range(20) for _ in range(6)]
    scattered = np.random.default_rng(0).permutation(20)
    image_records = [replace(one, size=(300, 200 + 7 * int(scattered[i // 6]))) for i, one in enumerate(plain(120))]
    torn = measured(table(labels), image_records)["width and height"]
    whole = measured(table(labels), image_records, [f"patient {i // 6}" for i in range(120)])["width and height"]
    assert torn.accuracy.value > 0.95
    assert whole.best_separated == ""
    assert whole.accuracy.value < 0.7
    assert (whole.accuracy.units, whole.accuracy.unit) == (20, "group")


def test_blank_and_unreadable_images_are_left_out() -> None:
    image_records = plain(40)
    image_records[3] = replace(image_records[3], thumbnails=None)
    image_records[8] = ImageRecord(Path("8.png"), 10, "", read_error="cannot be read")
    found = measured(table(["glioma", "no_tumor"] * 20), image_records)
    assert {one.accuracy.n for one in found.values()} == {38}
    assert found["file"].majority_baseline == pytest.approx(19 / 38)


def test_a_class_of_one_patient_is_left_out() -> None:
    labels = ["glioma", "no_tumor"] * 15 + ["pituitary"] * 5
    groups = singly(30) + ["one"] * 5
    assert {one.accuracy.n for one in find_shortcuts(table(labels), plain(35), groups)} == {30}


def test_a_class_of_few_patients_is_measured_with_fewer_folds() -> None:
    labels = ["glioma"] * 30 + ["no_tumor"] * 6
    image_records = [replace(one, mode="RGB") if i >= 30 else one for i, one in enumerate(plain(36))]
    found = measured(table(labels), image_records, [*singly(30), *(f"few {i // 2}" for i in range(6))])
    assert found["file"].balanced_accuracy.value > 0.9


@pytest.mark.parametrize(
    ("labels", "groups"),
    [(["glioma"] * 10, singly(10)), (["glioma", "no_tumor"] * 5, ["one"] * 10)],
    ids=["one class", "one patient"],
)
def test_there_is_nothing_to_measure(labels: list[str], groups: list[str]) -> None:
    assert find_shortcuts(table(labels), plain(10), groups) == ()
    assert find_shortcuts(table(labels), [replace(one, thumbnails=None) for one in plain(10)], groups) == ()


def test_of_very_many_images_whole_groups_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut_classifiers, "_MAX_IMAGES", 40)
    groups = [f"patient {i // 3}" for i in range(120)]
    found = measured(table(["glioma"] * 60 + ["no_tumor"] * 60), plain(120), groups)
    assert {(one.accuracy.n, one.accuracy.units) for one in found.values()} == {(39, 13)}


def test_the_same_seed_gives_the_same_numbers() -> None:
    made, image_records = table(["glioma", "no_tumor"] * 20), plain(40)
    first, again, other = (find_shortcuts(made, image_records, singly(40), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(MissingExtraError, match=r"tumorlens\[train\]"):
        find_shortcuts(table(["glioma", "no_tumor"] * 5), plain(10), singly(10))


def neighbors(
    frames: Sequence[np.ndarray | None], rows: Sequence[str], leaked: Sequence[int] = ()
) -> list[NearestNeighborAccuracy]:
    """Of images by ``"<label> <split>"``."""
    labels, splits = zip(*(row.split() for row in rows), strict=True)
    image_records = [look(frame(0) if one is None else one, number=i) for i, one in enumerate(frames)]
    image_records = [
        replace(look, thumbnails=None) if one is None else look for look, one in zip(image_records, frames, strict=True)
    ]
    return list(nearest_neighbor_accuracy(table(labels, splits), image_records, leaked, singly(len(rows))))


def test_copies_are_looked_up_whether_brightened_or_mirrored_and_reported_apart() -> None:
    known = [frame(i) for i in range(4)]
    rows = ["a train", "b train", "a train", "b train", "a test", "b test", "a test"]
    copies = [known[0] // 2 + 40, known[1][:, ::-1], known[3]]  # the last is similar to an image of another class
    (found,) = neighbors([*known, *copies], rows, leaked=[4, 5])
    assert found.subset == "test"
    shares = [(one.value, one.n) for one in (found.leaked, found.clean, found.overall) if one]
    assert shares == [(1, 2), (0, 1), (pytest.approx(2 / 3), 3)]


def test_each_part_beside_train_has_its_own_number() -> None:
    known = [frame(0), frame(1)]
    found = neighbors([*known, *known], ["a train", "b train", "a val", "a test"], leaked=[2])
    assert [(one.subset, one.overall.value) for one in found] == [("test", 0), ("val", 1)]
    assert [(one.leaked is None, one.clean is None) for one in found] == [(True, False), (False, True)]


def test_blank_images_are_neither_asked_nor_looked_up() -> None:
    known = [frame(0), frame(1), None]
    (found,) = neighbors([*known, frame(1), None], ["a train", "b train", "a train", "b test", "a test"])
    assert (found.overall.value, found.overall.n) == (1, 1)


def test_the_most_similar_of_many_is_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "_BLOCK", 3)
    known = [frame(i) for i in range(8)]
    rows = [f"{'ab'[i % 2]} train" for i in range(8)] + [f"{'ab'[i % 2]} test" for i in range(8)]
    (found,) = neighbors([*known, *known], rows)
    assert (found.overall.value, found.overall.n) == (1, 8)


@pytest.mark.parametrize("rows", [["a train", "b train"], ["a test", "b test"]])
def test_there_is_nothing_to_look_up_without_a_split(rows: list[str]) -> None:
    assert neighbors([frame(0), frame(1)], rows) == []
