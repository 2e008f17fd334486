"""Predicted mask + reference mask -> which lesions are detected, and which components are false positives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tumorlens.scan import Mask

DETECTED = 0.1
"""Intersection over union from which a lesion counts as detected."""

_TOUCHING = np.ones((3, 3), dtype=bool)  # pixels that meet at a corner belong together


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


def match_lesions(predicted: Mask, reference: Mask) -> LesionCounts:
    """Match the connected components of a predicted mask with those of the reference mask.

    A reference component is detected where it and all predicted components that overlap it, taken together, have an
    intersection over union of at least `DETECTED`: the threshold of nnDetection (Baumgartner et al., MICCAI 2021), and
    the matching of the lesion-wise metrics of BraTS 2023, so that a tumor predicted in two pieces is detected once. Any
    overlap, the other common rule, would accept a prediction that fills the image.

    Args:
        predicted: (H, W), 1 = tumor.
        reference: the same.
    """
    either = (predicted | reference) != 0
    rows, columns = np.flatnonzero(either.any(axis=1)), np.flatnonzero(either.any(axis=0))
    if not len(rows):
        return LesionCounts(0, 0, 0)
    from scipy import ndimage  # here, so that a model card is read without waiting for scipy

    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    ours, found = ndimage.label(predicted[window], structure=_TOUCHING)
    theirs, shown = ndimage.label(reference[window], structure=_TOUCHING)
    common = np.bincount((theirs * (found + 1) + ours).ravel(), minlength=(shown + 1) * (found + 1))
    common = common.reshape(shown + 1, found + 1)  # pixels of each reference component in each predicted one
    overlap, matched = common[1:, 1:], common[1:, 1:] > 0
    union = common[1:].sum(axis=1) + matched @ common[:, 1:].sum(axis=0) - overlap.sum(axis=1)
    detected = overlap.sum(axis=1) >= DETECTED * union
    return LesionCounts(shown, int(detected.sum()), int((~matched[detected].any(axis=0)).sum()))
