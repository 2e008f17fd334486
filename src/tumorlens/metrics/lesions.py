"""Predicted mask + reference mask -> which lesions are detected, and which components are false positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorlens._arrays import Flags
from tumorlens.metrics.surfaces import nonzero_window
from tumorlens.scan import Mask

DETECTED = 0.1
"""Intersection over union from which a lesion counts as detected."""


@dataclass(frozen=True)
class LesionCounts:
    """Connected components of two masks, matched.

    Attributes:
        reference: components of the reference mask.
        detected: those that are detected.
        false_positives: predicted components that belong to no detected lesion.
    """

    reference: int
    detected: int
    false_positives: int


def match_lesions(predicted: Mask, reference: Mask, *, least: int = 0) -> LesionCounts:
    """Match the connected components of a predicted mask with those of the reference mask.

    A reference component is detected where it and all predicted components that overlap it, taken together, have an
    intersection over union of at least `DETECTED`: the threshold of nnDetection (Baumgartner et al., MICCAI 2021), and
    the matching of the lesion-wise metrics of BraTS 2023, so that a tumor predicted in two pieces is detected once. Any
    overlap, the other common rule, would accept a prediction that fills the image. Pixels that meet at a corner belong
    together: 8-connectivity in 2D, 26-connectivity in 3D, as in BraTS. BraTS also dilates the reference before; here
    nothing is dilated, so that lesions which do not touch stay apart.

    Args:
        predicted: (H, W) or (D, H, W), 1 = tumor.
        reference: the same.
        least: reference components of fewer pixels or voxels are left out, as in BraTS: they are neither detected nor
            missed, and a predicted component that overlaps one is no false positive.

    Example:
        >>> import numpy as np
        >>> reference = np.zeros((6, 20, 20), np.uint8)
        >>> reference[1:3, 2:8, 2:8] = reference[4, 12:16, 12:16] = 1
        >>> predicted = np.zeros_like(reference)
        >>> predicted[1:3, 2:8, 4:10] = 1
        >>> match_lesions(predicted, reference)
        LesionCounts(reference=2, detected=1, false_positives=0)
    """
    window = nonzero_window(predicted | reference)
    if window is None:
        return LesionCounts(0, 0, 0)
    from scipy import ndimage  # here, so that a model card is read without waiting for scipy

    ours, found = ndimage.label(predicted[window], structure=_touching(predicted))
    theirs, shown = ndimage.label(reference[window], structure=_touching(reference))
    common = np.bincount((theirs * (found + 1) + ours).ravel(), minlength=(shown + 1) * (found + 1))
    common = common.reshape(shown + 1, found + 1)  # pixels of each reference component in each predicted one
    overlap, matched = common[1:, 1:], common[1:, 1:] > 0
    union = common[1:].sum(axis=1) + matched @ common[:, 1:].sum(axis=0) - overlap.sum(axis=1)
    detected = overlap.sum(axis=1) >= DETECTED * union
    counted = common[1:].sum(axis=1) >= least
    excused = matched[detected | ~counted].any(axis=0)
    return LesionCounts(int(counted.sum()), int((detected & counted).sum()), int((~excused).sum()))


def largest_component(mask: Mask) -> int:
    """Pixels or voxels of the largest connected component, by the same rule; 0 for an empty mask."""
    window = nonzero_window(mask)
    if window is None:
        return 0
    from scipy import ndimage

    labels, _ = ndimage.label(mask[window], structure=_touching(mask))
    return int(np.bincount(labels.ravel())[1:].max())


def _touching(mask: Mask) -> Flags:
    return np.ones((3,) * mask.ndim, dtype=bool)
