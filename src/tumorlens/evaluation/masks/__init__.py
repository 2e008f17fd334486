"""Drawn masks + true masks -> Dice, distances between outlines, tumours hit and false marks, with intervals."""

from tumorlens.evaluation.box_masks import refuse_rectangles
from tumorlens.evaluation.report.segmentation_tables import lines
from tumorlens.metrics.lesions import HIT, Lesions, match_lesions
from tumorlens.metrics.overlap import Drawing, Unit, compare_mask
from tumorlens.metrics.segmentation import NAMES, Segmentation, measure_masks
from tumorlens.metrics.surfaces import TOLERANCE, Surfaces, compare_surfaces

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
