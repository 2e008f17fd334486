"""Arrays -> metrics with intervals: classification, calibration, segmentation, lesions. No files, no torch."""

from tumorlens.metrics.classification import Metrics, measure
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation

__all__ = [
    "Metrics",
    "Segmentation",
    "SegmentationCase",
    "measure",
    "measure_segmentation",
    "segmentation_case",
]
