"""The counts and scores of one image can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.surfaces import Surfaces


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((8, 8), np.uint8)
    mask[rows, columns] = 1
    return mask


TOP, MIDDLE = box(slice(0, 4), slice(0, 4)), box(slice(2, 6), slice(0, 4))


def test_a_predicted_mask_that_covers_half_is_counted_by_hand() -> None:
    one = segmentation_case(MIDDLE, TOP)
    assert (one.pixels, one.predicted, one.reference, one.intersection) == (64, 16, 16, 8)
    assert one.dice == pytest.approx(2 * 8 / 32)
    assert one.iou == pytest.approx(8 / 24)
    assert one.mean_iou == pytest.approx((8 / 24 + 40 / 56) / 2)
    assert one.surfaces == Surfaces(2.0, 1.0)
    assert one.lesions == LesionCounts(1, 1, 0)


def test_distances_are_in_millimeters_too_where_the_spacing_is_known() -> None:
    one = segmentation_case(MIDDLE, TOP, (1.5, 0.5))
    assert one.surfaces_in("pixels").hd95 == 2
    assert one.surfaces_in("mm").hd95 == 3
    assert one.surfaces_in("mm").surface_dice < 1
    assert segmentation_case(MIDDLE, TOP).surfaces_mm is None


@pytest.mark.parametrize(("reference", "predicted", "dice"), [(0, 0, 1), (0, 5, 0), (5, 0, 0)])
def test_two_empty_masks_agree_and_one_empty_mask_does_not(reference: int, predicted: int, dice: float) -> None:
    one = SegmentationCase(64, predicted, reference)
    assert (one.dice, one.iou) == (dice, dice)
    assert one.mean_iou == (1 if dice else pytest.approx((59 / 64) / 2))


def test_an_image_without_a_reference_mask_has_no_metrics() -> None:
    one = segmentation_case(TOP, None)
    assert one.reference is None
    assert np.isnan([one.dice, one.iou, one.mean_iou, one.surfaces.hd95, one.surfaces.surface_dice]).all()
    assert one.lesions is None


def test_every_predicted_component_in_a_healthy_image_is_a_false_positive() -> None:
    one = segmentation_case(TOP, None, healthy=True)
    assert one.reference is None
    assert one.lesions == LesionCounts(0, 0, 1)
