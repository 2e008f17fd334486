"""What is counted of one image can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.datasets import Sample
from tumorlens.errors import ScanError
from tumorlens.metrics.lesions import Lesions
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.surfaces import Surfaces


def sample(folder: Path, mask: np.ndarray | None, label: str = "glioma") -> Sample:
    """An image of 8 x 8 pixels and its mask."""
    image = scans.save(folder / "a.png", np.zeros((8, 8), np.uint8))
    return Sample("x/a", image, label, None if mask is None else scans.save(folder / "m.png", mask), group="x:a")


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((8, 8), np.uint8)
    mask[rows, columns] = 1
    return mask


TOP, MIDDLE = box(slice(0, 4), slice(0, 4)), box(slice(2, 6), slice(0, 4))


def test_a_drawing_that_covers_half_is_counted_by_hand(tmp_path: Path) -> None:
    one = segmentation_case(sample(tmp_path, TOP * np.uint8(255)), MIDDLE)
    assert (one.pixels, one.drawn, one.true, one.both) == (64, 16, 16, 8)
    assert one.dice == pytest.approx(2 * 8 / 32)
    assert one.iou == pytest.approx(8 / 24)
    assert one.mean_iou == pytest.approx((8 / 24 + 40 / 56) / 2)
    assert one.surfaces == Surfaces(2.0, 1.0)
    assert one.lesions == Lesions(1, 1, 0)


def test_distances_are_in_millimeters_too_where_the_spacing_is_known(tmp_path: Path) -> None:
    one = segmentation_case(sample(tmp_path, TOP), MIDDLE, (1.5, 0.5))
    assert one.outlines("pixels").hd95 == 2
    assert one.outlines("mm").hd95 == 3
    assert one.outlines("mm").surface_dice < 1
    assert segmentation_case(sample(tmp_path, TOP), MIDDLE).surfaces_mm is None


@pytest.mark.parametrize(("true", "drawn", "dice"), [(0, 0, 1), (0, 5, 0), (5, 0, 0)])
def test_two_empty_masks_agree_and_one_empty_mask_does_not(true: int, drawn: int, dice: float) -> None:
    one = SegmentationCase(64, drawn, true)
    assert (one.dice, one.iou) == (dice, dice)
    assert one.mean_iou == (1 if dice else pytest.approx((59 / 64) / 2))


def test_a_image_without_a_mask_has_no_figures(tmp_path: Path) -> None:
    one = segmentation_case(sample(tmp_path, None), TOP)
    assert one.true is None
    assert np.isnan([one.dice, one.iou, one.mean_iou, one.surfaces.hd95, one.surfaces.surface_dice]).all()
    assert one.lesions is None


def test_what_is_drawn_into_a_healthy_image_is_drawn_for_nothing(tmp_path: Path) -> None:
    one = segmentation_case(sample(tmp_path, None, "no_tumor"), TOP)
    assert one.true is None
    assert one.lesions == Lesions(0, 0, 1)


def test_a_mask_of_another_size_or_with_more_than_two_values_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"m\.png: is 4 x 8 pixels, but its image .*a\.png 8 x 8; export or write"):
        segmentation_case(sample(tmp_path, TOP[:, :4]), TOP)
    soft = TOP * np.uint8(255)
    soft[0] = 127
    with pytest.raises(ScanError, match=r"m\.png: holds 3 different values; a mask has two, 0 and one other"):
        segmentation_case(sample(tmp_path, soft), TOP)
