"""Every way a figure can mislead is said beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.fixtures.tiny_datasets import patients
from tumorlens.datasets import Sample, SplitPlan, Table
from tumorlens.evaluation.caveats import caveats, mask_caveats
from tumorlens.metrics.overlap import SegmentationCase

BY_PATIENT = SplitPlan(by="patient", source="folds")


def said(
    table: Table, *, unit: str = "patient", measured: str = "test", plan: SplitPlan | None = BY_PATIENT
) -> tuple[str, ...]:
    return caveats(table, ("glioma", "meningioma"), unit, measured=measured, plan=plan)


def test_enough_patients_of_every_class_need_no_caution() -> None:
    assert said(patients({"glioma": 30, "meningioma": 30})) == ()


def test_fewer_than_fifty_patients_are_counted_and_the_margin_is_given() -> None:
    (text,) = said(patients({"glioma": 20, "meningioma": 21}))
    assert text.startswith("Only 41 test patients, fewer than 50")
    assert "plus or minus 9 points" in text


def test_an_absent_class_is_named() -> None:
    assert said(patients({"glioma": 60})) == ("No test image of meningioma: nothing is said about it.",)


def test_a_class_from_a_set_of_its_own_can_be_told_by_its_scanner() -> None:
    first, second = patients({"glioma": 30, "meningioma": 30}), patients({"meningioma": 30})
    elsewhere = tuple(replace(s, id=f"other/{s.id}", group=f"other:{s.id}") for s in second.samples)
    gliomas = tuple(s for s in first.samples if s.label == "glioma")
    (text,) = said(replace(first, samples=(*gliomas, *elsewhere)))
    assert text.startswith("All images of glioma, meningioma are from sets that hold no other class")
    assert said(replace(first, samples=(*first.samples, *elsewhere))) == ()


def test_torn_patients_are_said_first() -> None:
    plan = SplitPlan(by="image, patients ignored", source="folds")
    assert "--ignore-patients" in said(patients({"glioma": 60, "meningioma": 60}), plan=plan)[0]


def test_unknown_patients_are_said() -> None:
    (text,) = said(patients({"glioma": 60, "meningioma": 60}, known=False), unit="image")
    assert "no patient ids" in text


def test_the_validation_part_is_not_to_be_quoted() -> None:
    (text,) = said(patients({"glioma": 60, "meningioma": 60}), measured="val")
    assert "too high" in text


def test_the_training_part_says_nothing_of_other_images() -> None:
    (text,) = said(patients({"glioma": 60, "meningioma": 60}), measured="train")
    assert "on which the network was fitted" in text


def test_few_images_without_patients_are_called_different_ones() -> None:
    texts = said(patients({"glioma": 4, "meningioma": 4}, known=False), unit="image")
    assert any("different test images, fewer than 50" in text for text in texts)


def test_of_other_data_it_is_said_how_far_it_was_checked() -> None:
    plan = SplitPlan(by="image, patients ignored", source="folds")
    (text,) = said(patients({"glioma": 60, "meningioma": 60}), measured="all", plan=plan)
    assert "other data" in text


def drawn_on(*drawings: SegmentationCase, label: str = "glioma") -> tuple[str, ...]:
    """The cautions of drawings in images of one class."""
    samples = [Sample(f"x/{i}", Path(f"{i}.png"), label) for i in range(len(drawings))]
    return mask_caveats(drawings, samples)


def masks(rectangles: int, of: int) -> tuple[str, ...]:
    drawn = [SegmentationCase(100, 20, 20, 10, rectangle=i < rectangles) for i in range(of)]
    return drawn_on(*drawn, SegmentationCase(100, 5))


def test_masks_that_are_boxes_are_counted() -> None:
    (text,) = masks(20, 20)
    assert text.startswith("20 of 20 true masks that show a tumor are filled rectangles: boxes, not outlines.")


def test_some_boxes_among_outlines_are_said_and_one_by_chance_is_not() -> None:
    (text,) = masks(10, 20)
    assert text.startswith("10 of 20 true masks")
    assert "mix" in text
    assert masks(1, 100) == ()
    assert masks(0, 20) == ()


def test_drawings_without_any_mask_to_compare_are_said() -> None:
    assert drawn_on(SegmentationCase(100, 5))[0].startswith("No image has a mask")
    assert drawn_on() == ()


def test_an_empty_mask_of_a_tumor_is_said_and_that_of_a_healthy_head_is_not() -> None:
    (text,) = drawn_on(SegmentationCase(100, 5, 20, 5), SegmentationCase(100, 5, 0), SegmentationCase(100, 0, 0))
    assert text.startswith("2 of 3 true masks of images with a tumor are empty, the first is that of x/1 (glioma)")
    assert drawn_on(SegmentationCase(100, 5, 20, 5), SegmentationCase(100, 5, 0), label="no_tumor") == ()
