"""The names of tumorlens.metrics: type checkers read them, and `lazy_loader` loads them on first use."""

from .classification import Metrics as Metrics
from .classification import measure as measure
from .overlap import SegmentationCase as SegmentationCase
from .overlap import segmentation_case as segmentation_case
from .segmentation import Segmentation as Segmentation
from .segmentation import measure_segmentation as measure_segmentation
