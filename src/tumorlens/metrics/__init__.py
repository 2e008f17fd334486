"""Arrays -> metrics with intervals: classification, calibration, segmentation, lesions. No files, no torch."""

from tumorlens.metrics.classification import Metrics, measure
from tumorlens.metrics.overlap import Drawing, compare_mask
from tumorlens.metrics.segmentation import Segmentation, measure_masks

__all__ = [
    "Drawing",
    "Metrics",
    "Segmentation",
    "compare_mask",
    "measure",
    "measure_masks",
]
