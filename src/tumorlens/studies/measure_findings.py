"""Components of a volume, predictions of its slices -> findings with their measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Ints
from tumorlens.datasets.classes import HEALTHY
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.scan.lesion_size import measure_lesions
from tumorlens.studies.plane_stack import PlaneStack
from tumorlens.studies.study_result import Finding, StudySlice

_SEGMENTED = 0.5  # of the voxels of a finding that a plane must segment


def measure_finding(
    number: int,
    labels: npt.NDArray[np.uint8],
    segmented: npt.NDArray[np.uint8],
    stacks: Sequence[PlaneStack],
    slices: Sequence[StudySlice],
    limit: StudyLimit,
) -> Finding:
    """Measure one component.

    Args:
        number: of the component.
        labels: (D, H, W).
        segmented: (D, H, W), bit k is set where plane k segments the voxel.
        stacks: of the planes, the acquired one first.
        slices: predictions of all planes.
        limit: to compare with.
    """
    volume = stacks[0].volume
    inside = labels == number
    voxels = np.argwhere(inside)
    by_slice = np.bincount(voxels[:, 0], minlength=len(volume))
    held = np.flatnonzero(by_slice)
    largest = int(by_slice.argmax())
    spacing = volume.spacing
    ml = None if spacing is None else float(len(voxels) * np.prod(spacing) / 1000)
    probabilities, ood_share = _weighted(inside, stacks, slices)
    _, lesion = measure_lesions(
        np.ascontiguousarray(stacks[0].turn.apply(inside)[largest]).astype(np.uint8),
        stacks[0].spacing,
        stacks[0].orientation,
    )
    assert lesion is not None
    tumor = Finding(
        number=number,
        label=label_of(probabilities),
        probabilities=probabilities,
        voxels=len(voxels),
        ml=ml,
        largest_slice=largest,
        first_slice=int(held[0]),
        last_slice=int(held[-1]),
        lesion=lesion,
        center=None if volume.affine is None or spacing is None else _center(voxels, volume.affine),
        planes={stack.plane: bool((segmented[inside] >> k & 1).mean() >= _SEGMENTED) for k, stack in enumerate(stacks)},
        ood_share=ood_share,
        above_limit=None,
    )
    return replace(tumor, above_limit=limit.counts(ml, tumor.tumor_probability))


def label_of(probabilities: dict[str, float]) -> str:
    """The most probable class: of those with a tumor, where a tumor is more likely than none."""
    tumors = {name: p for name, p in probabilities.items() if name not in HEALTHY}
    among = tumors if sum(tumors.values()) >= 0.5 else probabilities
    return max(among, key=lambda name: among[name])


def with_finding_pixels(
    slices: Sequence[StudySlice], labels: npt.NDArray[np.uint8], stacks: Sequence[PlaneStack]
) -> list[StudySlice]:
    """The slices with the pixels of findings in each."""
    counts = {stack.plane: _pixels(labels > 0, stack) for stack in stacks}
    return [replace(one, finding_pixels=int(counts[one.plane][one.index])) for one in slices]


def _pixels(inside: npt.NDArray[np.bool_], stack: PlaneStack) -> Ints:
    """(n,) the voxels in each slice of a plane."""
    return np.asarray(np.count_nonzero(stack.turn.apply(inside), axis=(1, 2)), dtype=np.int64)


def _weighted(
    inside: npt.NDArray[np.bool_], stacks: Sequence[PlaneStack], slices: Sequence[StudySlice]
) -> tuple[dict[str, float], float | None]:
    """Class probabilities, and the share in out-of-distribution slices, weighted by pixels over all planes."""
    counts = {stack.plane: _pixels(inside, stack) for stack in stacks}
    weights = np.array([counts[one.plane][one.index] for one in slices], dtype=np.float64)
    weights /= weights.sum()
    names = slices[0].probabilities
    means = {
        name: float(weights @ np.array([one.probabilities[name] for one in slices], dtype=np.float64)) for name in names
    }
    flagged = [one.ood for one in slices]
    return means, None if None in flagged else float(weights @ np.array(flagged, dtype=np.float64))


def _center(voxels: Ints, affine: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (affine @ [*voxels.mean(axis=0), 1])[:3]
    return float(x), float(y), float(z)
