"""Drawn masks + true masks -> Dice, distances between outlines, tumours hit and false marks, with intervals."""

from tumorlens.evaluation.masks.drawing import Drawing, Unit, compare_mask
from tumorlens.evaluation.masks.lesions import HIT, Lesions, match_lesions
from tumorlens.evaluation.masks.lines import lines
from tumorlens.evaluation.masks.rectangles import refuse_rectangles
from tumorlens.evaluation.masks.segmentation import NAMES, Segmentation, measure_masks
from tumorlens.evaluation.masks.surfaces import TOLERANCE, Surfaces, compare_surfaces

__all__ = [
    "HIT",
    "NAMES",
    "TOLERANCE",
    "Drawing",
    "Lesions",
    "Segmentation",
    "Surfaces",
    "Unit",
    "compare_mask",
    "compare_surfaces",
    "lines",
    "match_lesions",
    "measure_masks",
    "refuse_rectangles",
]
