"""Two masks -> which tumors were hit, and what was drawn where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tumorlens.scan import Mask

HIT = 0.1
"""Intersection over union from which a tumor counts as hit."""

_TOUCHING = np.ones((3, 3), dtype=bool)  # pixels that meet at a corner belong together


@dataclass(frozen=True)
class Lesions:
    """Connected parts of two masks, matched.

    Attributes:
        true: parts of the true mask.
        hit: those that were hit.
        false: parts of what was drawn that belong to no hit.
    """

    true: int
    hit: int
    false: int


def match_lesions(drawn: Mask, true: Mask) -> Lesions:
    """Match the connected parts of what was drawn with those of the truth.

    A part of the truth is hit where it and all drawn parts that overlap it, taken together, have an intersection over
    union of at least `HIT`: the threshold of nnDetection (Baumgartner et al., MICCAI 2021), and the matching of the
    lesion-wise figures of BraTS 2023, so that a tumor drawn in two pieces is hit once. Any overlap, the other common
    rule, would call a drawing that fills the image a hit.

    Args:
        drawn: (H, W), 1 = tumor.
        true: the same.
    """
    both = (drawn | true) != 0
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    if not len(rows):
        return Lesions(0, 0, 0)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    ours, found = ndimage.label(drawn[part], structure=_TOUCHING)
    theirs, shown = ndimage.label(true[part], structure=_TOUCHING)
    common = np.bincount((theirs * (found + 1) + ours).ravel(), minlength=(shown + 1) * (found + 1))
    common = common.reshape(shown + 1, found + 1)  # pixels of each part of the truth in each part of the drawing
    overlap, matched = common[1:, 1:], common[1:, 1:] > 0
    union = common[1:].sum(axis=1) + matched @ common[:, 1:].sum(axis=0) - overlap.sum(axis=1)
    hit = overlap.sum(axis=1) >= HIT * union
    return Lesions(shown, int(hit.sum()), int((~matched[hit].any(axis=0)).sum()))
