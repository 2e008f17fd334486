"""Predicted mask + reference mask of a whole volume -> its counts and scores in 3D."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tumorlens.metrics.lesions import LesionCounts, largest_component, match_lesions
from tumorlens.metrics.surfaces import Surfaces, compare_surfaces
from tumorlens.scan import Mask

LEAST_LESION_ML = 0.05
"""Reference lesions below this are not counted, as in the lesion-wise metrics of BraTS 2023 (50 mm3 for glioma)."""
_LEAST_VOXELS = 50  # the same where the spacing is unknown: voxels of 1 mm

_UNKNOWN = Surfaces(float("nan"), float("nan"))


@dataclass(frozen=True)
class SliceCounts:
    """Slices of one volume by reference and prediction; a slice is positive where its mask is not empty.

    Attributes:
        true_positive: with tumor in both masks.
        false_negative: with tumor in the reference mask alone.
        false_positive: with tumor in the predicted mask alone.
        true_negative: with tumor in neither.
    """

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


@dataclass(frozen=True)
class VolumeCase:
    """A predicted mask against the reference mask of one volume; the masks themselves are not kept.

    Attributes:
        predicted: voxels predicted as tumor.
        reference: voxels of tumor in the reference mask; None where the volume has none.
        intersection: voxels of both; 0 without a reference mask.
        tumor: whether the volume shows a tumor: by its reference mask, else by its class; None where neither says.
        positive: whether the study is predicted to have a finding; None where it is undetermined.
        largest: voxels of the largest finding; 0 without one.
        voxel_ml: milliliters of a voxel; None where the spacing is unknown.
        surfaces: distances between the surfaces in voxels; NaN without a reference mask.
        surfaces_mm: the same in millimeters; None where the spacing is unknown or there is no reference mask.
        lesions: 3D components that are detected, missed or false positive; those of the reference from
            `LEAST_LESION_ML` on. None where nothing says what they are.
        slices: None likewise.
    """

    predicted: int
    reference: int | None = None
    intersection: int = 0
    tumor: bool | None = None
    positive: bool | None = None
    largest: int = 0
    voxel_ml: float | None = None
    surfaces: Surfaces = _UNKNOWN
    surfaces_mm: Surfaces | None = None
    lesions: LesionCounts | None = None
    slices: SliceCounts | None = None

    @property
    def dice(self) -> float:
        """Twice the intersection over the sum of both; 1 where both are empty, NaN without a reference mask."""
        if self.reference is None:
            return float("nan")
        both = self.predicted + self.reference
        return 2 * self.intersection / both if both else 1.0

    @property
    def predicted_ml(self) -> float | None:
        """Milliliters predicted as tumor; None where the spacing is unknown."""
        return None if self.voxel_ml is None else self.predicted * self.voxel_ml

    @property
    def reference_ml(self) -> float | None:
        """Milliliters of tumor in the reference mask; None likewise, or without one."""
        return None if self.voxel_ml is None or self.reference is None else self.reference * self.voxel_ml


def volume_case(
    predicted: Mask,
    reference: Mask | None,
    spacing: Sequence[float] | None = None,
    *,
    healthy: bool = False,
    positive: bool | None = None,
    largest: int | None = None,
) -> VolumeCase:
    """Compare two masks of a volume.

    Args:
        predicted: (D, H, W), 1 = tumor.
        reference: the same; None where the volume has none.
        spacing: of slices, rows and columns in millimeters; None where it is unknown.
        healthy: whether the volume is known to show no tumor, so that without a reference mask everything that is
            predicted is a false positive.
        positive: whether the study is predicted to have a finding; None where it is undetermined.
        largest: voxels of the largest finding; by default of the largest 3D component of `predicted`.

    Example:
        >>> import numpy as np
        >>> reference = np.zeros((4, 20, 20), np.uint8)
        >>> reference[1:3, 5:15, 5:15] = 1
        >>> case = volume_case(np.roll(reference, 1, axis=0), reference, (5.0, 1.0, 1.0))
        >>> case.dice, case.reference_ml, case.surfaces_mm, case.slices
        (0.5, 1.0, Surfaces(hd95=5.0, surface_dice=0.5), SliceCounts(true_positive=1, false_negative=1, ...))
    """
    count = int(np.count_nonzero(predicted))
    voxel_ml = float(np.prod(spacing)) / 1000 if spacing else None
    largest = largest_component(predicted) if largest is None else largest
    if reference is None and not healthy:
        return VolumeCase(count, positive=positive, largest=largest, voxel_ml=voxel_ml)
    known = np.zeros_like(predicted) if reference is None else reference
    case = VolumeCase(
        predicted=count,
        tumor=bool(known.any()),
        positive=positive,
        largest=largest,
        voxel_ml=voxel_ml,
        lesions=match_lesions(
            predicted, known, least=math.ceil(LEAST_LESION_ML / voxel_ml) if voxel_ml else _LEAST_VOXELS
        ),
        slices=_slices(predicted, known),
    )
    if reference is None:
        return case
    return replace(
        case,
        reference=int(np.count_nonzero(reference)),
        intersection=int(np.count_nonzero(predicted & reference)),
        surfaces=compare_surfaces(predicted, reference),
        surfaces_mm=compare_surfaces(predicted, reference, spacing) if spacing else None,
    )


def _slices(predicted: Mask, reference: Mask) -> SliceCounts:
    ours, theirs = predicted.any(axis=(1, 2)), reference.any(axis=(1, 2))
    counts = ((ours & theirs), (~ours & theirs), (ours & ~theirs), (~ours & ~theirs))
    return SliceCounts(*(int(np.count_nonzero(one)) for one in counts))
