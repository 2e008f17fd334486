"""Volumes of one phantom: every plane, tilt and sequence shows the same head at the same place."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import PhantomVolume, render_volume
from tumorlens.errors import DataError

SIZE = 96


@cache
def volume(
    plane: str = "axial", tilt: float = 0.0, sequence: str = "T1 post", label: str = "meningioma"
) -> PhantomVolume:
    return render_volume(
        label, 5, plane=plane, slices=24, gap=4.0, size=SIZE, tilt=(tilt, tilt / 2, 0.0), sequence=sequence
    )


def centroid(found: PhantomVolume) -> npt.NDArray[np.float64]:
    """Of the tumor, in LPS millimeters."""
    index = np.argwhere(found.mask).mean(axis=0)
    return (found.affine @ [*index, 1.0])[:3]


def milliliters(found: PhantomVolume) -> float:
    return float(found.mask.sum() * abs(np.linalg.det(found.affine[:3, :3])) / 1000)


@pytest.mark.parametrize(("plane", "tilt"), [("coronal", 0.0), ("sagittal", 0.0), ("axial", 20.0)])
def test_the_tumor_is_at_the_same_place_and_as_large_in_every_plane_and_tilt(plane: str, tilt: float) -> None:
    straight, other = volume(), volume(plane, tilt)
    assert milliliters(straight) > 1
    assert np.linalg.norm(centroid(straight) - centroid(other)) < 1.0
    assert milliliters(other) == pytest.approx(milliliters(straight), rel=0.1)


@pytest.mark.parametrize(
    ("plane", "row", "col"),
    [("axial", (1, 0, 0), (0, 1, 0)), ("coronal", (1, 0, 0), (0, 0, -1)), ("sagittal", (0, 1, 0), (0, 0, -1))],
)
def test_slices_are_in_the_native_orientation_of_mr(plane: str, row: tuple[int, ...], col: tuple[int, ...]) -> None:
    found = volume(plane)
    between, rows, columns = found.spacing
    assert (found.affine[:3, 2] / columns).tolist() == pytest.approx(row, abs=1e-6)
    assert (found.affine[:3, 1] / rows).tolist() == pytest.approx(col, abs=1e-6)
    assert (between, rows) == (pytest.approx(4.0), columns)


def test_a_tilt_turns_the_slices_and_keeps_the_spacing() -> None:
    straight, tilted = volume(), volume(tilt=20.0)
    assert tilted.spacing == pytest.approx(straight.spacing)
    cosine = straight.affine[:3, 0] @ tilted.affine[:3, 0] / (4.0 * 4.0)
    assert 15 < np.degrees(np.arccos(cosine)) < 25
    axes = tilted.affine[:3, :3] / tilted.spacing
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-5)


def test_sequences_change_the_contrast_and_neither_head_nor_mask() -> None:
    post, t2, flair = (volume(sequence=name) for name in ("T1 post", "T2", "FLAIR"))
    for other in (t2, flair):
        assert np.array_equal(post.mask, other.mask)
        assert np.array_equal(post.affine, other.affine)
    head = post.voxels.max(axis=0) > 800
    tumor = post.mask.astype(bool)
    rest = np.broadcast_to(head, tumor.shape) & ~tumor
    assert post.voxels[tumor].mean() > 1.5 * volume(sequence="T1").voxels[tumor].mean()  # it enhances
    assert np.percentile(t2.voxels[rest], 95) != np.percentile(flair.voxels[rest], 95)
    assert post.voxels.max() > 255  # more than 8 bits
    assert post.voxels.dtype == np.uint16


def test_a_person_without_tumor_has_an_empty_mask_and_the_same_grid() -> None:
    healthy = volume(label="no_tumor")
    assert not healthy.mask.any()
    assert healthy.voxels.shape == (24, SIZE, SIZE)


def test_the_stack_holds_the_whole_tumor() -> None:
    for seed in range(4):
        found = render_volume("pituitary", seed, slices=16, gap=3.0, size=48)
        inside = found.mask.any(axis=(1, 2))
        assert inside.any()
        assert not inside[0]
        assert not inside[-1]


def test_unknown_words_and_numbers_out_of_range_are_refused() -> None:
    with assert_refused(DataError, found="phantom: unknown sequence 'T3'"):
        render_volume("glioma", 0, sequence="T3")
    with assert_refused(DataError, found="phantom: unknown plane 'oblique'"):
        render_volume("glioma", 0, plane="oblique")
    with assert_refused(DataError, found="phantom: seed 0, 1 slices, gap 5 mm, size 192"):
        render_volume("glioma", 0, slices=1)


def test_slices_beyond_the_head_are_air() -> None:
    found = render_volume("glioma", 0, slices=40, gap=10, size=32)
    noise = found.voxels[-8:]
    assert noise.max() < 0.2 * found.voxels.max()
    assert found.mask[-8:].sum() == 0
