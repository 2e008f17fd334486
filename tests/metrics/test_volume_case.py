"""The counts of one volume are those of its masks; what nothing says is not counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.volume_case import SliceCounts, volume_case


def box(*where: slice, size: tuple[int, int, int] = (6, 20, 20)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    if where:
        mask[where] = 1
    return mask


REFERENCE = box(slice(1, 3), slice(5, 15), slice(5, 15))


def test_a_tumor_moved_by_one_slice() -> None:
    case = volume_case(np.roll(REFERENCE, 1, axis=0), REFERENCE, (5.0, 1.0, 1.0), positive=True)
    assert (case.dice, case.predicted, case.reference, case.intersection) == (0.5, 200, 200, 100)
    assert (case.predicted_ml, case.reference_ml, case.voxel_ml) == (1.0, 1.0, 0.005)
    assert case.slices == SliceCounts(1, 1, 1, 3)
    assert case.lesions == LesionCounts(1, 1, 0)
    assert case.surfaces_mm is not None
    assert (case.surfaces_mm.hd95, case.surfaces.hd95) == (5.0, 1.0)
    assert (case.tumor, case.positive, case.largest) == (True, True, 200)


def test_a_healthy_volume_has_false_positives_and_no_overlap() -> None:
    case = volume_case(REFERENCE, None, (5.0, 1.0, 1.0), healthy=True)
    assert math.isnan(case.dice)
    assert case.tumor is False
    assert case.lesions == LesionCounts(0, 0, 1)
    assert case.slices == SliceCounts(0, 0, 2, 4)
    assert case.surfaces_mm is None
    assert case.reference_ml is None


def test_without_a_mask_and_a_class_nothing_is_known() -> None:
    case = volume_case(REFERENCE, None)
    assert (case.tumor, case.lesions, case.slices, case.predicted_ml) == (None, None, None, None)


def test_lesions_below_50_cubic_millimeters_are_not_counted() -> None:
    speck = REFERENCE | box(slice(5, 6), slice(0, 3), slice(0, 3))  # 9 voxels
    for spacing, lesions in (((5.0, 1.0, 1.0), 1), ((6.0, 1.0, 1.0), 2), (None, 1)):
        case = volume_case(speck, speck, spacing)
        assert case.lesions == LesionCounts(lesions, lesions, 0)


def test_two_empty_masks_agree() -> None:
    case = volume_case(box(), box(), (1.0, 1.0, 1.0))
    assert (case.dice, case.tumor, case.largest) == (1.0, False, 0)
    assert case.surfaces_mm is not None
    assert case.surfaces_mm.surface_dice == 1


def test_the_largest_finding_is_that_of_the_study_where_it_is_given() -> None:
    two = REFERENCE | box(slice(5, 6), slice(0, 3), slice(0, 3))
    assert volume_case(two, REFERENCE).largest == 200
    assert volume_case(two, REFERENCE, largest=9).largest == 9


@pytest.mark.parametrize("spacing", [None, (2.0, 1.0, 1.0)])
def test_millimeters_need_a_spacing(spacing: tuple[float, float, float] | None) -> None:
    case = volume_case(REFERENCE, REFERENCE, spacing)
    assert (case.surfaces_mm is None) == (case.voxel_ml is None) == (spacing is None)
