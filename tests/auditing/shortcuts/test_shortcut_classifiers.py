"""Shortcuts are found, and anatomy is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.image_records import frame, one_each, record, table
from tests.fixtures.refusal import assert_refused
from tumorlens.auditing.duplicates.image_records import ImageRecord
from tumorlens.auditing.issues import Shortcut
from tumorlens.auditing.shortcuts import shortcut_classifiers
from tumorlens.auditing.shortcuts.shortcut_classifiers import find_shortcuts
from tumorlens.datasets import Table
from tumorlens.errors import MissingExtraError

MEASURES = ["width and height", "file", "border", "metadata and border", "head occluded"]


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sixth of the trees: they find the planted shortcuts too, and faster."""
    monkeypatch.setattr(shortcut_classifiers, "_TREES", 10)


def plain(count: int) -> list[ImageRecord]:
    return [record(frame(i), number=i) for i in range(count)]


def shortcuts_by_name(
    made: Table, image_records: Sequence[ImageRecord], groups: Sequence[str] | None = None
) -> dict[str, Shortcut]:
    return {
        shortcut.name: shortcut
        for shortcut in find_shortcuts(made, image_records, groups or one_each(len(image_records)))
    }


def test_without_a_planted_shortcut_none_is_found() -> None:
    found = shortcuts_by_name(table(["glioma", "no_tumor"] * 60), plain(120))
    assert list(found) == MEASURES
    for one in found.values():
        assert one.majority_baseline == 0.5
        assert one.best_separated == ""


def test_an_image_size_specific_to_a_class_is_a_shortcut() -> None:
    labels = ["glioma", "meningioma", "no_tumor"] * 30
    image_records = [replace(one, size=(300, 280 if i % 3 == 2 else 300)) for i, one in enumerate(plain(90))]
    found = shortcuts_by_name(table(labels), image_records)
    assert found["width and height"].best_separated.endswith("and no_tumor (100.0 %)")
    assert found["width and height"].accuracy.value > 0.6 > 0.4 > found["width and height"].majority_baseline
    assert found["metadata and border"].best_separated
    assert found["border"].best_separated == found["head occluded"].best_separated == ""


@pytest.mark.parametrize("properties", [{"mode": "RGB"}, {"format": "JPEG"}, {"file_size": 60_000}])
def test_a_file_property_specific_to_a_class_is_a_shortcut(properties: dict) -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [one if i % 2 else replace(one, **properties) for i, one in enumerate(plain(60))]
    found = shortcuts_by_name(table(labels), image_records)
    assert found["file"].accuracy.value == 1
    assert found["file"].best_separated == "glioma and no_tumor (100.0 %)"
    assert found["width and height"].best_separated == found["border"].best_separated == ""


def test_a_bright_border_of_a_class_is_a_shortcut() -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [one if i % 2 else replace(one, border=(40.0, 2.0)) for i, one in enumerate(plain(60))]
    found = shortcuts_by_name(table(labels), image_records)
    assert found["border"].accuracy.value == found["metadata and border"].accuracy.value == 1
    assert found["file"].best_separated == ""


def test_a_marking_outside_of_the_head_is_a_shortcut() -> None:
    labels = ["glioma", "no_tumor"] * 30
    frames = [frame(i) for i in range(60)]
    for image in frames[::2]:
        image[2:12, 2:14] = 220
    found = shortcuts_by_name(table(labels), [record(image, number=i) for i, image in enumerate(frames)])
    assert found["head occluded"].accuracy.value > 0.95
    assert found["border"].best_separated == ""


def test_tumors_and_the_size_of_heads_are_no_shortcut() -> None:
    labels = ["glioma", "no_tumor"] * 60
    images = [frame(i, radius=(14, 22)[i % 2], tumor=i % 2 == 0) for i in range(120)]
    found = shortcuts_by_name(table(labels), [record(one, number=i) for i, one in enumerate(images)])
    assert found["head occluded"].accuracy.n == 120
    assert found["head occluded"].best_separated == ""
    assert found["head occluded"].accuracy.value < 0.65


def test_images_without_background_are_left_out_of_the_occluded_classifier() -> None:
    labels = ["glioma", "no_tumor"] * 30
    image_records = [record(frame(i, radius=80 if i < 10 else 20), number=i) for i in range(60)]
    found = shortcuts_by_name(table(labels), image_records)
    assert found["head occluded"].accuracy.n == 50
    assert "50 of 60 images" in found["head occluded"].features
    assert found["border"].accuracy.n == 60


def test_a_property_that_only_identifies_patients_is_no_shortcut() -> None:
    """Each patient has its own image size, which predicts the class only in an image-level split."""
    labels = [("glioma", "no_tumor")[patient % 2] for patient in range(20) for _ in range(6)]
    scattered = np.random.default_rng(0).permutation(20)
    image_records = [replace(one, size=(300, 200 + 7 * int(scattered[i // 6]))) for i, one in enumerate(plain(120))]
    by_image = shortcuts_by_name(table(labels), image_records)["width and height"]
    by_patient = shortcuts_by_name(table(labels), image_records, [f"patient {i // 6}" for i in range(120)])[
        "width and height"
    ]
    assert by_image.accuracy.value > 0.95
    assert by_patient.best_separated == ""
    assert by_patient.accuracy.value < 0.7
    assert (by_patient.accuracy.units, by_patient.accuracy.unit) == (20, "group")


def test_blank_and_unreadable_images_are_left_out() -> None:
    image_records = plain(40)
    image_records[3] = replace(image_records[3], thumbnails=None)
    image_records[8] = ImageRecord(Path("8.png"), 10, "", read_error="cannot be read")
    found = shortcuts_by_name(table(["glioma", "no_tumor"] * 20), image_records)
    assert {one.accuracy.n for one in found.values()} == {38}
    assert found["file"].majority_baseline == pytest.approx(19 / 38)


def test_a_class_of_one_patient_is_left_out() -> None:
    labels = ["glioma", "no_tumor"] * 15 + ["pituitary"] * 5
    groups = one_each(30) + ["one"] * 5
    assert {one.accuracy.n for one in find_shortcuts(table(labels), plain(35), groups)} == {30}


def test_a_class_of_few_patients_is_measured_with_fewer_folds() -> None:
    labels = ["glioma"] * 30 + ["no_tumor"] * 6
    image_records = [replace(one, mode="RGB") if i >= 30 else one for i, one in enumerate(plain(36))]
    found = shortcuts_by_name(table(labels), image_records, [*one_each(30), *(f"few {i // 2}" for i in range(6))])
    assert found["file"].balanced_accuracy.value > 0.9


@pytest.mark.parametrize(
    ("labels", "groups"),
    [(["glioma"] * 10, one_each(10)), (["glioma", "no_tumor"] * 5, ["one"] * 10)],
    ids=["one class", "one patient"],
)
def test_fewer_than_two_classes_with_two_groups_give_no_shortcuts(labels: list[str], groups: list[str]) -> None:
    assert find_shortcuts(table(labels), plain(10), groups) == ()
    assert find_shortcuts(table(labels), [replace(one, thumbnails=None) for one in plain(10)], groups) == ()


def test_of_very_many_images_whole_groups_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut_classifiers, "_MAX_IMAGES", 40)
    groups = [f"patient {i // 3}" for i in range(120)]
    found = shortcuts_by_name(table(["glioma"] * 60 + ["no_tumor"] * 60), plain(120), groups)
    assert {(one.accuracy.n, one.accuracy.units) for one in found.values()} == {(39, 13)}


def test_the_same_seed_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut_classifiers, "_TREES", 5)
    made, image_records = table(["glioma", "no_tumor"] * 20), plain(40)
    first, again, other = (find_shortcuts(made, image_records, one_each(40), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with assert_refused(MissingExtraError, advice=r"tumorlens\[audit\]"):
        find_shortcuts(table(["glioma", "no_tumor"] * 5), plain(10), one_each(10))
