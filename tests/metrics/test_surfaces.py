"""Distances between outlines are those of MONAI, finite where MONAI's are not, and in millimeters where asked."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from tumorlens.metrics.surfaces import Surfaces, compare_surfaces

torch = pytest.importorskip("torch")


def blobs(seed: int, size: tuple[int, int] = (60, 80)) -> tuple[np.ndarray, np.ndarray]:
    """Two masks of overlapping discs, some of which the image's border cuts."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(size)
    masks = []
    for _ in range(2):
        mask = np.zeros(size, np.uint8)
        for _ in range(rng.integers(1, 4)):
            row, column, radius = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(1, 20)
            mask |= ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)
        masks.append(mask)
    return masks[0], masks[1]


def monai(drawn: np.ndarray, true: np.ndarray, spacing: tuple[float, ...]) -> tuple[float, float]:
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance
    from monai.metrics.surface_dice import compute_surface_dice

    one, two = (torch.from_numpy(mask)[None, None] for mask in (drawn, true))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        far = compute_hausdorff_distance(one, two, include_background=True, percentile=95, spacing=spacing)
        near = compute_surface_dice(one, two, [2.0], include_background=True, spacing=spacing)
    return far.item(), near.item()


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.49, 0.49), (0.5, 1.25)])
def test_both_figures_are_those_of_monai(spacing: tuple[float, float]) -> None:
    for seed in range(12):
        drawn, true = blobs(seed)
        if not drawn.any() or not true.any():
            continue
        found = compare_surfaces(drawn, true, spacing)
        assert (found.hd95, found.surface_dice) == pytest.approx(monai(drawn, true, spacing), abs=1e-5), seed


def test_a_disc_moved_by_five_pixels_lies_five_pixels_away() -> None:
    rows, columns = np.indices((64, 64))
    true = ((rows - 30) ** 2 + (columns - 30) ** 2 <= 100).astype(np.uint8)
    moved = np.roll(true, 5, axis=1)
    found = compare_surfaces(moved, true)
    assert 4 < found.hd95 <= 5
    assert 0 < found.surface_dice < 0.6
    assert compare_surfaces(moved, true, (2.0, 2.0)).hd95 == pytest.approx(2 * found.hd95)
    assert compare_surfaces(true, true) == Surfaces(0.0, 1.0)


def test_all_but_the_corners_of_a_square_lie_within_two_pixels() -> None:
    true = np.zeros((40, 40), np.uint8)
    true[10:30, 10:30] = 1
    drawn = np.zeros_like(true)
    drawn[12:28, 12:28] = 1
    # 60 pixels of the inner outline, and 76 of the outer one less three at each corner
    assert compare_surfaces(drawn, true).surface_dice == pytest.approx((60 + 64) / (60 + 76))
    assert compare_surfaces(drawn, true, (1.5, 1.5)).surface_dice == 0


def test_two_empty_masks_agree_and_one_empty_mask_is_as_far_as_can_be() -> None:
    empty, full = np.zeros((30, 40), np.uint8), np.ones((30, 40), np.uint8)
    assert compare_surfaces(empty, empty) == Surfaces(0.0, 1.0)
    for drawn, true in ((empty, full), (full, empty)):
        assert compare_surfaces(drawn, true) == Surfaces(50.0, 0.0)
        assert compare_surfaces(drawn, true, (0.5, 0.25)).hd95 == pytest.approx(math.hypot(15, 10))


def balls(seed: int, size: tuple[int, int, int] = (14, 40, 36)) -> tuple[np.ndarray, np.ndarray]:
    """Two masks of overlapping ellipsoids, some of which the border of the volume cuts."""
    rng = np.random.default_rng(seed)
    places = np.indices(size)
    masks = []
    for _ in range(2):
        mask = np.zeros(size, np.uint8)
        for _ in range(rng.integers(1, 4)):
            center, radii = rng.uniform(0, size), rng.uniform((1, 2, 2), (5, 12, 12))
            mask |= ((((places.T - center) / radii) ** 2).sum(axis=-1).T <= 1).astype(np.uint8)
        masks.append(mask)
    return masks[0], masks[1]


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.9, 0.9), (1.5, 0.5, 2.0)])
def test_both_figures_of_a_volume_are_those_of_monai(spacing: tuple[float, float, float]) -> None:
    seen = 0
    for seed in range(8):
        drawn, true = balls(seed)
        if not drawn.any() or not true.any():
            continue
        found = compare_surfaces(drawn, true, spacing)
        assert (found.hd95, found.surface_dice) == pytest.approx(monai(drawn, true, spacing), abs=1e-4), seed
        seen += 1
    assert seen > 5


def test_a_volume_is_measured_as_every_pair_of_its_surface_voxels_says() -> None:
    spacing, tolerance = np.array([4.0, 1.2, 0.8]), 3.0
    drawn, true = balls(3, (8, 20, 18))

    def surface(mask: np.ndarray) -> np.ndarray:
        """Voxels of which one of six neighbors is no tumor, one by one."""
        found = []
        for place in np.argwhere(mask):
            for axis in range(3):
                for step in (-1, 1):
                    other = place.copy()
                    other[axis] += step
                    inside = (other >= 0).all() and (other < mask.shape).all()
                    if not inside or not mask[tuple(other)]:
                        found.append(place)
        return np.unique(np.array(found), axis=0) * spacing

    one, two = surface(drawn), surface(true)
    apart = np.sqrt(((one[:, None] - two[None]) ** 2).sum(axis=-1))
    there, back = apart.min(axis=1), apart.min(axis=0)
    near = ((there <= tolerance).sum() + (back <= tolerance).sum()) / (len(there) + len(back))
    expected = max(np.percentile(there, 95), np.percentile(back, 95)), near
    found = compare_surfaces(drawn, true, spacing.tolist(), tolerance=tolerance)
    assert (found.hd95, found.surface_dice) == pytest.approx(expected)


def test_an_empty_volume_is_as_far_as_its_diagonal() -> None:
    empty, full = np.zeros((3, 4, 12), np.uint8), np.ones((3, 4, 12), np.uint8)
    assert compare_surfaces(empty, full) == Surfaces(13.0, 0.0)
    assert compare_surfaces(full, empty, (2.0, 2.0, 2.0)).hd95 == pytest.approx(26)
