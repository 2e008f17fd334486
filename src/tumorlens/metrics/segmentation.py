"""Segmentation cases -> means over images, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Flags, Floats
from tumorlens.metrics.lesions import LesionCounts
from tumorlens.metrics.names import METRICS
from tumorlens.metrics.overlap import DistanceUnit, SegmentationCase, common_unit
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

_OVERLAPS = ("dice", "iou", "mean_iou")
_SURFACES = ("hd95", "surface_dice")
_NONE = LesionCounts(0, 0, 0)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Segmentation metrics. They are computed for each image that has a reference mask, then averaged.

    Two differ: `lesion_sensitivity` is the share of all connected components of the reference masks that are detected,
    and `false_positives` also counts the images without a reference mask of a class without tumor.

    Attributes:
        cases: one for each sample, with or without a reference mask.
        distance_unit: of `hd95` and of the tolerance of `surface_dice`.
        overall: estimates by the names of `METRICS`, as `SegmentationCase` and `LesionCounts` define them.
        per_class: the same of each class of which an image counts; undefined where it has no reference mask.
        medians: over the images with a reference mask, by ``"all"`` and class, of the metrics that are means over them.
        empty: reference masks that show no tumor.
        missed: reference masks that show a tumor of which no pixel is predicted.
        boxes: reference masks that are one filled rectangle: bounding boxes, most likely.
        healthy: images without a reference mask, of a class without tumor.
        healthy_segmented: those in which something is predicted all the same.
    """

    cases: tuple[SegmentationCase, ...]
    distance_unit: DistanceUnit
    overall: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]]
    medians: dict[str, dict[str, float]]
    empty: int
    missed: int
    boxes: int
    healthy: int
    healthy_segmented: int

    @property
    def masks(self) -> int:
        """Images that have a reference mask, and so count."""
        return self.overall["dice"].n

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the metrics, with the unit of distances."""
        unit = self.distance_unit
        return {
            name: METRICS[name].title_in(unit, TOLERANCE if name == "surface_dice" else None) for name in self.overall
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the cases are in predictions.csv."""
        counts = ("masks", "empty", "missed", "boxes", "healthy", "healthy_segmented")
        return {name: getattr(self, name) for name in counts} | {
            "distance_unit": self.distance_unit,
            "tolerance": TOLERANCE,
            "overall": {name: estimate.to_dict() for name, estimate in self.overall.items()},
            "per_class": {
                label: {name: estimate.to_dict() for name, estimate in estimates.items()}
                for label, estimates in self.per_class.items()
            },
            "medians": self.medians,
        }


def measure_segmentation(
    cases: Sequence[SegmentationCase],
    labels: Sequence[str],
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> Segmentation | None:
    """Average over images, with 95 % intervals by sampling unit.

    Args:
        cases: one for each image.
        labels: the class of each image.
        bootstrap: the sampling units of the images.
        classes: the class map.

    Returns:
        None where no image has a reference mask.
    """
    masked = [i for i, case in enumerate(cases) if case.reference is not None]
    if not masked:
        return None
    counted = [i for i, case in enumerate(cases) if case.reference is not None or case.lesions]
    distance_unit = common_unit(cases)
    values = _values([cases[i] for i in masked], distance_unit)
    lesions = [cases[i].lesions or _NONE for i in masked]
    shown, detected = (np.array([getattr(one, name) for one in lesions]) for name in ("reference", "detected"))
    false = np.array([(cases[i].lesions or _NONE).false_positives for i in counted])
    with_mask = BootstrapDraws.draw(bootstrap.only(masked))
    everyone = BootstrapDraws.draw(bootstrap.only(counted))
    names = np.array(labels)

    def estimates(among: Flags) -> dict[str, Estimate]:
        mine, also = among[masked], among[counted]
        means = {name: _mean(with_mask, value, mine) for name, value in values.items()}
        share = _ratio(with_mask.sums(detected * mine), with_mask.sums(shown * mine))
        return means | {
            "lesion_sensitivity": with_mask.proportion(share, mine & (shown > 0)),
            "false_positives": _mean(everyone, false, also),
        }

    everything = {"all": np.full(len(names), True)}
    each = {name: names == name for name in classes if name in names[[*masked, *counted]]}
    per_class = {name: estimates(among) for name, among in each.items()}
    known = [cases[i] for i in masked]
    bare = [case for case in cases if case.reference is None and case.lesions]
    return Segmentation(
        cases=tuple(cases),
        distance_unit=distance_unit,
        overall=estimates(everything["all"]),
        per_class=per_class,
        medians={
            name: {metric: float(np.median(value[among[masked]])) for metric, value in values.items()}
            for name, among in (everything | each).items()
            if among[masked].any()
        },
        empty=sum(case.reference == 0 for case in known),
        missed=sum(bool(case.reference) and not case.intersection for case in known),
        boxes=sum(case.box for case in known),
        healthy=len(bare),
        healthy_segmented=sum(case.predicted > 0 for case in bare),
    )


def _values(known: Sequence[SegmentationCase], unit: DistanceUnit) -> dict[str, Floats]:
    """The metrics that are means over images, of each image."""
    return {name: np.array([getattr(case, name) for case in known]) for name in _OVERLAPS} | {
        name: np.array([getattr(case.surfaces_in(unit), name) for case in known]) for name in _SURFACES
    }


def _mean(draws: BootstrapDraws, values: Floats, among: Flags) -> Estimate:
    """Over the images `among`."""
    return draws.estimate(_ratio(draws.sums(values * among), draws.sums(among)), among)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing: a bootstrap sample without any image of a class says nothing."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
