"""Two volumes -> whether they have the same voxels; and a mask of one on the voxels of the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tumorlens.errors import ScanError
from tumorlens.scan.mask import filled
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.scan.types import Mask
from tumorlens.scan.volume import Volume

_SAME_GRID = 0.5  # voxels: the largest distance of the corners of a mask from those of its volume
_MOST_LABELS = 32  # distinct values of a mask; more are gray values


def same_grid(one: Volume, other: Volume) -> bool:
    """Whether two volumes have the same voxels: the same size, and no corner half a voxel from that of the other."""
    if one.size != other.size or one.affine is None or other.affine is None:
        return False
    depth, height, width = one.size
    ends = ([0, depth - 1], [0, height - 1], [0, width - 1])
    corners = np.stack([*(axis.ravel() for axis in np.meshgrid(*ends)), np.ones(8)])
    distance = np.abs((one.affine - other.affine) @ corners).max()
    return bool(distance <= _SAME_GRID * np.linalg.norm(one.affine[:3, :3], axis=0).min())


def shared_slices(longer: Volume, shorter: Volume) -> slice | None:
    """The slices of a volume that have the voxels of a shorter one, such as a series without its empty ends.

    Returns:
        None where no slices have.
    """
    if len(longer) <= len(shorter) or longer.affine is None or longer.size[1:] != shorter.size[1:]:
        return None
    first = int(np.abs(longer.origins - shorter.origins[0]).sum(axis=1).argmin())
    kept = slice(first, first + len(shorter))
    part = replace(longer, size=shorter.size, origins=longer.origins[kept])
    return kept if len(part.origins) == len(shorter) and same_grid(part, shorter) else None


def read_mask_volume(
    path: Path, plane: str | None = None, labels: tuple[int, ...] = (), *, fill: bool = False
) -> tuple[Volume, Mask]:
    """Read a mask that is a volume, its slices upright by the affine of the file, never by the order of its axes.

    Args:
        path: of a NIfTI file.
        plane: of the slices, one of `PLANES`; None for that of the acquisition.
        labels: values that count as tumor; empty for all but 0.
        fill: whether holes count as tumor, slice by slice.

    Returns:
        The volume, and (D, H, W) uint8, 1 = tumor.

    Raises:
        ScanError: the file cannot be read, or holds something else than labels.
    """
    volume = read_nifti_volume(path, plane=plane)
    voxels = np.asarray(volume)
    values = np.unique(voxels)
    if len(values) > _MOST_LABELS or (values < 0).any() or (values != np.rint(values)).any():
        raise ScanError(
            path,
            f"holds {len(values)} different values from {values[0]:g} to {values[-1]:g}",
            "apply a threshold to probabilities first; only their authors know it",
            expected=f"a mask: at most {_MOST_LABELS} whole numbers from 0",
        )
    mask: Mask = (np.isin(voxels, labels) if labels else voxels != 0).astype(np.uint8)
    return volume, filled(mask) if fill else mask


def resample_mask(mask: Mask, source: Volume, target: Volume) -> Mask:
    """A mask on the voxels of another volume: each takes the value of the nearest voxel; beyond the mask it is 0.

    Args:
        mask: (D, H, W) on `source`.
        source: with equally spaced slices.
        target: likewise.

    Returns:
        (D, H, W) as `target`.

    Raises:
        ScanError: the slices of one of them have no common affine.
    """
    from scipy import ndimage  # here, so that the command line starts without it

    if source.affine is None or target.affine is None:
        irregular = source if source.affine is None else target
        raise ScanError(irregular.path, f"has slices that are {irregular.irregular}", expected="equally spaced slices")
    to_source = np.linalg.inv(source.affine) @ target.affine
    resampled: Mask = ndimage.affine_transform(
        mask, to_source[:3, :3], to_source[:3, 3], output_shape=target.size, order=0, mode="constant", cval=0
    )
    return resampled


def grid_text(volume: Volume) -> str:
    """Size, spacing and place of a volume in words, for messages."""
    size = " x ".join(map(str, volume.size))
    spacing = " x ".join(f"{mm:.4g}" for mm in volume.spacing) + " mm" if volume.spacing else "no spacing"
    corner = ", ".join(f"{mm:.1f}" for mm in volume.origins[0])
    return f"{size} voxels of {spacing} from ({corner})"
