"""Small components are no lesions, and where the limit lies depends on the size of the image alone."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.scan.islands import least_pixels, without_islands


def square(mask: np.ndarray, top: int, left: int, pixels: int) -> None:
    """Set a row of pixels."""
    mask[top, left : left + pixels] = 1


def test_the_islands_beside_a_tumor_are_removed_and_counted() -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[100:160, 100:170] = 1
    square(mask, 300, 10, 122)  # as in a report about three lesions of which two were islands
    square(mask, 400, 10, 9)
    shown, islands = without_islands(mask)
    assert islands == 2
    assert shown.sum() == 60 * 70
    assert (shown <= mask).all()


def test_the_limit_belongs_to_the_lesions() -> None:
    limit = least_pixels((512, 512))
    assert limit == 132
    for pixels, islands in ((limit, 0), (limit - 1, 1)):
        mask = np.zeros((512, 512), np.uint8)
        square(mask, 7, 0, pixels)
        shown, found = without_islands(mask)
        assert (int(shown.sum()), found) == (0 if islands else limit, islands)


def test_a_mask_of_one_pixel_is_no_lesion() -> None:
    mask = np.zeros((128, 128), np.uint8)
    mask[5, 5] = 1
    shown, islands = without_islands(mask)
    assert (shown.any(), islands) == (False, 1)


@pytest.mark.parametrize("shape", [(2, 2), (48, 64)])
def test_an_empty_mask_has_no_islands_and_a_full_one_is_kept(shape: tuple[int, int]) -> None:
    assert without_islands(np.zeros(shape, np.uint8))[1] == 0
    full = np.ones(shape, np.uint8)
    assert (without_islands(full)[0] == full).all()
