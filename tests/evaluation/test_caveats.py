"""Every way in which a metric can mislead is a caveat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.fixtures.tiny_datasets import patients
from tumorlens.datasets import Sample, SplitPlan, Table
from tumorlens.evaluation.caveats import caveats, class_caveats, mask_caveats
from tumorlens.metrics.classification import measure
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.stats import ClusterBootstrap

BY_PATIENT = SplitPlan(by="patient", source="folds")


def caveats_of(
    table: Table, *, unit: str = "patient", measured: str = "test", plan: SplitPlan | None = BY_PATIENT
) -> tuple[str, ...]:
    return caveats(table, ("glioma", "meningioma"), unit, measured=measured, plan=plan)


def test_enough_patients_of_every_class_need_no_caveat() -> None:
    assert caveats_of(patients({"glioma": 30, "meningioma": 30})) == ()


def test_fewer_than_fifty_patients_are_counted_and_the_uncertainty_is_given() -> None:
    (text,) = caveats_of(patients({"glioma": 20, "meningioma": 21}))
    assert text.startswith("Only 41 test patients, fewer than 50")
    assert "plus or minus 9 points" in text


def test_a_class_of_which_fewer_than_half_is_recognized_is_named_with_its_sensitivity() -> None:
    predicted = [0] * 20 + [1] * 9 + [0] * 11  # of 20 meningiomas 9
    bootstrap = ClusterBootstrap([str(i) for i in range(40)], "patient", 50)
    (text,) = class_caveats(measure(np.eye(3)[predicted], [0] * 20 + [1] * 20, bootstrap, ("a", "b", "absent")))
    assert text.startswith("Fewer than half of the images of a class are classified correctly; sensitivity: b 45.0 % (")
    half = [0] * 20 + [1] * 10 + [0] * 10
    assert class_caveats(measure(np.eye(2)[half], [0] * 20 + [1] * 20, bootstrap, ("a", "b"))) == ()


def test_an_absent_class_is_named() -> None:
    assert caveats_of(patients({"glioma": 60})) == ("No test image of meningioma: this class is not measured.",)


def test_a_class_from_a_set_of_its_own_can_be_told_by_its_scanner() -> None:
    first, second = patients({"glioma": 30, "meningioma": 30}), patients({"meningioma": 30})
    external = tuple(replace(s, id=f"other/{s.id}", group=f"other:{s.id}") for s in second.samples)
    gliomas = tuple(s for s in first.samples if s.label == "glioma")
    (text,) = caveats_of(replace(first, samples=(*gliomas, *external)))
    assert text.startswith("All images of glioma, meningioma are from sets that hold no other class")
    assert caveats_of(replace(first, samples=(*first.samples, *external))) == ()


def test_a_split_by_image_is_the_first_caveat() -> None:
    plan = SplitPlan(by="image_ignoring_patients", source="folds")
    assert "--split-by image" in caveats_of(patients({"glioma": 60, "meningioma": 60}), plan=plan)[0]


def test_unknown_patients_are_a_caveat() -> None:
    (text,) = caveats_of(patients({"glioma": 60, "meningioma": 60}, known=False), unit="image")
    assert "no patient ids" in text


def test_the_validation_subset_is_not_to_be_quoted() -> None:
    (text,) = caveats_of(patients({"glioma": 60, "meningioma": 60}), measured="val")
    assert "too high" in text


def test_the_train_subset_says_nothing_about_other_images() -> None:
    (text,) = caveats_of(patients({"glioma": 60, "meningioma": 60}), measured="train")
    assert "on which the network was fitted" in text


def test_few_images_without_patients_are_counted_as_different_ones() -> None:
    texts = caveats_of(patients({"glioma": 4, "meningioma": 4}, known=False), unit="image")
    assert any("different test images, fewer than 50" in text for text in texts)


def test_external_data_has_a_caveat_on_what_was_checked() -> None:
    plan = SplitPlan(by="image_ignoring_patients", source="folds")
    (text,) = caveats_of(patients({"glioma": 60, "meningioma": 60}), measured="all", plan=plan)
    assert "external data" in text


def mask_caveats_of(*cases: SegmentationCase, label: str = "glioma") -> tuple[str, ...]:
    """The caveats of predicted masks in images of one class."""
    samples = [Sample(f"x/{i}", Path(f"{i}.png"), label) for i in range(len(cases))]
    return mask_caveats(cases, samples)


def masks(boxes: int, of: int) -> tuple[str, ...]:
    cases = [SegmentationCase(100, 20, 20, 10, box=i < boxes) for i in range(of)]
    return mask_caveats_of(*cases, SegmentationCase(100, 5))


def test_masks_that_are_boxes_are_counted() -> None:
    (text,) = masks(20, 20)
    assert text.startswith("20 of 20 reference masks that show a tumor are filled rectangles: bounding boxes")


def test_some_boxes_among_contours_are_a_caveat_and_one_by_chance_is_not() -> None:
    (text,) = masks(10, 20)
    assert text.startswith("10 of 20 reference masks")
    assert "mix" in text
    assert masks(1, 100) == ()
    assert masks(0, 20) == ()


def test_predicted_masks_without_any_reference_mask_are_a_caveat() -> None:
    assert mask_caveats_of(SegmentationCase(100, 5))[0].startswith("No image has a reference mask")
    assert mask_caveats_of() == ()


def test_an_empty_mask_of_a_tumor_is_a_caveat_and_that_of_a_healthy_head_is_not() -> None:
    (text,) = mask_caveats_of(SegmentationCase(100, 5, 20, 5), SegmentationCase(100, 5, 0), SegmentationCase(100, 0, 0))
    assert text.startswith("2 of 3 reference masks of images with a tumor are empty, the first is that of x/1 (glioma)")
    assert mask_caveats_of(SegmentationCase(100, 5, 20, 5), SegmentationCase(100, 5, 0), label="no_tumor") == ()
