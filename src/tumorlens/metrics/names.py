"""The registry of metrics: what each one is called, its unit, which direction is better, and where it is defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "score", "distance", "count", "volume"]
Direction = Literal["higher", "lower", "zero"]
Level = Literal["image", "volume"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: its key in results, cards and JSON.
        title: its name in tables, plots and messages.
        unit: ``"share"`` is printed as a percentage, ``"score"`` with three decimals, ``"distance"`` in millimeters or
            pixels with one decimal, ``"volume"`` in milliliters or voxels with one decimal, ``"count"`` with three
            decimals.
        direction: which values are better; ``"zero"`` where both high and low ones are errors.
        source: the paper or the standard that defines it.
        segmentation: whether it compares masks; else it compares predicted classes and probabilities.
        level: whether it is measured of images, slices among them, or of whole volumes.
    """

    name: str
    title: str
    unit: Unit
    direction: Direction
    source: str
    segmentation: bool = False
    level: Level = "image"

    @property
    def percent(self) -> bool:
        """Whether its values are printed as percentages."""
        return self.unit == "share"

    def title_in(self, distance_unit: str, tolerance: float | None = None) -> str:
        """The title with the unit of distances, for example ``"HD95 (mm)"``.

        Args:
            distance_unit: ``"mm"`` or ``"pixels"``.
            tolerance: of surface Dice, in that unit.
        """
        if self.unit == "distance":
            return f"{self.title} ({distance_unit})"
        return f"{self.title}, {tolerance:g} {distance_unit}" if tolerance is not None else self.title


_POWERS = "Powers 2011, Evaluation: from precision, recall and F-measure to ROC, J. Mach. Learn. Technol. 2:37"
_ALTMAN = "Altman and Bland 1994, Diagnostic tests 2: predictive values, BMJ 309:102"
_BLAND = "Bland and Altman 1986, Lancet 327:307"
_NNDETECTION = "Baumgartner et al. 2021, nnDetection, MICCAI"
_RELOADED = "Maier-Hein et al. 2024, Metrics reloaded, Nat. Methods 21:195"


def _of_volumes(name: str, title: str, unit: Unit, direction: Direction, source: str) -> Metric:
    return Metric(name, title, unit, direction, source, segmentation=True, level="volume")


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", "share", "higher", _POWERS),
        Metric("balanced_accuracy", "balanced accuracy", "share", "higher", "Brodersen et al. 2010, ICPR"),
        Metric("macro_f1", "macro F1", "share", "higher", _POWERS),
        Metric("weighted_f1", "weighted F1", "share", "higher", _POWERS),
        Metric("macro_auroc", "macro AUROC", "score", "higher", "Hand and Till 2001, Mach. Learn. 45:171"),
        Metric("brier", "Brier score", "score", "lower", "Brier 1950, Mon. Weather Rev. 78:1"),
        Metric("ece", "calibration error (ECE)", "score", "lower", "Guo et al. 2017, ICML"),
        Metric("sensitivity", "sensitivity", "share", "higher", _POWERS),
        Metric("specificity", "specificity", "share", "higher", _POWERS),
        Metric("precision", "precision", "share", "higher", _POWERS),
        Metric("ppv", "positive predictive value", "share", "higher", _ALTMAN),
        Metric("npv", "negative predictive value", "share", "higher", _ALTMAN),
        Metric("f1", "F1", "share", "higher", _POWERS),
        Metric("auroc", "AUROC", "score", "higher", "Hanley and McNeil 1982, Radiology 143:29"),
        Metric("dice", "Dice", "score", "higher", "Dice 1945, Ecology 26:297", segmentation=True),
        Metric("iou", "IoU of the tumor", "score", "higher", "Jaccard 1912, New Phytol. 11:37", segmentation=True),
        Metric("mean_iou", "mean IoU", "score", "higher", _RELOADED, segmentation=True),
        Metric("hd95", "HD95", "distance", "lower", _RELOADED, segmentation=True),
        Metric(
            "surface_dice", "surface Dice", "score", "higher", "Nikolov et al. 2021, JMIR 23:e26151", segmentation=True
        ),
        Metric(
            "lesion_sensitivity",
            "lesion-wise sensitivity",
            "score",
            "higher",
            _NNDETECTION,
            segmentation=True,
        ),
        Metric("false_positives", "false positives per image", "count", "lower", _RELOADED, segmentation=True),
        _of_volumes("study_sensitivity", "study-level sensitivity", "share", "higher", _POWERS),
        _of_volumes("study_specificity", "study-level specificity", "share", "higher", _POWERS),
        _of_volumes(
            "study_auroc",
            "study-level AUROC by the largest finding",
            "score",
            "higher",
            "Hanley and McNeil 1982, Radiology 143:29",
        ),
        _of_volumes("slice_sensitivity", "slice-level sensitivity", "share", "higher", _POWERS),
        _of_volumes("slice_specificity", "slice-level specificity", "share", "higher", _POWERS),
        _of_volumes("volume_dice", "3D Dice", "score", "higher", "Dice 1945, Ecology 26:297"),
        _of_volumes("volume_hd95", "3D HD95", "distance", "lower", _RELOADED),
        _of_volumes("volume_surface_dice", "3D surface Dice", "score", "higher", "Nikolov et al. 2021, JMIR 23:e26151"),
        _of_volumes("volume_lesion_sensitivity", "lesion-wise sensitivity in 3D", "share", "higher", _NNDETECTION),
        _of_volumes("volume_false_positives", "false positives per study", "count", "lower", _RELOADED),
        _of_volumes("volume_bias", "bias of the tumor volume", "volume", "zero", _BLAND),
        _of_volumes("volume_lower_limit", "lower limit of agreement", "volume", "zero", _BLAND),
        _of_volumes("volume_upper_limit", "upper limit of agreement", "volume", "zero", _BLAND),
        _of_volumes("volume_error", "absolute error of the tumor volume", "volume", "lower", _RELOADED),
    )
}
"""Name -> metric, in the order in which tables list them."""


def title(name: str) -> str:
    """The title of a metric; the name itself where it is not in the registry."""
    return METRICS[name].title if name in METRICS else name
