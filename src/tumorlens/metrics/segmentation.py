"""Drawings -> how well tumors are drawn: means over images, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorlens._arrays import Flags, Floats
from tumorlens.datasets import Sample
from tumorlens.datasets.classes import HEALTHY
from tumorlens.metrics.lesions import Lesions
from tumorlens.metrics.overlap import SegmentationCase, Unit, common_unit
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.report.text import MASK_FIGURES
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

NAMES = MASK_FIGURES
"""The figures, and how people call them."""

Figures = dict[str, Estimate]
_OVERLAPS = ("dice", "iou", "mean_iou")
_SURFACES = ("hd95", "surface_dice")
_NONE = Lesions(0, 0, 0)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """How well tumors are drawn. Figures are computed for each image that has a mask, then averaged.

    Two differ: `lesion_sensitivity` is the share of all connected parts of the true masks that were hit, and
    `false_positives` also counts the images without a mask of a class without tumor.

    Attributes:
        drawings: one for each sample, with or without a mask.
        distance_unit: what `hd95` and the tolerance of `surface_dice` are in.
        overall: the figures by the names of `NAMES`, as `SegmentationCase` and `Lesions` define them.
        per_class: the same of each class of which an image counts; undefined where it has no mask.
        medians: over the images with a mask, by ``"all"`` and class, of the figures that are means over them.
        empty: true masks that show no tumor.
        missed: true masks that show a tumor of which no pixel was drawn.
        rectangles: true masks that are one filled rectangle: boxes, most likely.
        healthy: images without a mask, of a class without tumor.
        healthy_drawn: those in which something was drawn all the same.
    """

    drawings: tuple[SegmentationCase, ...]
    distance_unit: Unit
    overall: Figures
    per_class: dict[str, Figures]
    medians: dict[str, dict[str, float]]
    empty: int
    missed: int
    rectangles: int
    healthy: int
    healthy_drawn: int

    @property
    def masks(self) -> int:
        """Images that have a mask, and so count."""
        return self.overall["dice"].n

    @property
    def titles(self) -> dict[str, str]:
        """`NAMES` with the unit of distances."""
        unit = self.distance_unit
        return NAMES | {"hd95": f"HD95 ({unit})", "surface_dice": f"surface Dice, {TOLERANCE:g} {unit}"}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what was drawn in each image is in predictions.csv."""
        counts = ("masks", "empty", "missed", "rectangles", "healthy", "healthy_drawn")
        return {name: getattr(self, name) for name in counts} | {
            "distance_unit": self.distance_unit,
            "tolerance": TOLERANCE,
            "overall": {name: figure.to_dict() for name, figure in self.overall.items()},
            "per_class": {
                label: {name: figure.to_dict() for name, figure in figures.items()}
                for label, figures in self.per_class.items()
            },
            "medians": self.medians,
        }


def measure_segmentation(
    drawings: Sequence[SegmentationCase],
    samples: Sequence[Sample],
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> Segmentation | None:
    """Average over images, with 95 % intervals by unit.

    Args:
        drawings: one for each sample.
        samples: as many.
        bootstrap: their patients.
        classes: the class map.

    Returns:
        None where no image has a mask.
    """
    masked = [i for i, drawing in enumerate(drawings) if drawing.true is not None]
    if not masked:
        return None
    counted = [i for i, drawing in enumerate(drawings) if drawing.true is not None or drawing.lesions]
    distance_unit = common_unit(drawings)
    values = _values([drawings[i] for i in masked], distance_unit)
    lesions = [drawings[i].lesions or _NONE for i in masked]
    shown, hit = (np.array([getattr(one, name) for one in lesions]) for name in ("true", "hit"))
    false = np.array([(drawings[i].lesions or _NONE).false for i in counted])
    with_mask = BootstrapDraws.draw(bootstrap.only(masked))
    everyone = BootstrapDraws.draw(bootstrap.only(counted))
    labels = np.array([sample.label for sample in samples])

    def figures(among: Flags) -> Figures:
        mine, also = among[masked], among[counted]
        found = {name: _mean(with_mask, value, mine) for name, value in values.items()}
        share = _ratio(with_mask.sums(hit * mine), with_mask.sums(shown * mine))
        return found | {
            "lesion_sensitivity": with_mask.proportion(share, mine & (shown > 0)),
            "false_positives": _mean(everyone, false, also),
        }

    everything = {"all": np.full(len(labels), True)}
    each = {name: labels == name for name in classes if name in labels[[*masked, *counted]]}
    per_class = {name: figures(among) for name, among in each.items()}
    known = [drawings[i] for i in masked]
    bare = [
        drawing
        for drawing, sample in zip(drawings, samples, strict=True)
        if drawing.true is None and sample.label in HEALTHY
    ]
    return Segmentation(
        drawings=tuple(drawings),
        distance_unit=distance_unit,
        overall=figures(everything["all"]),
        per_class=per_class,
        medians={
            name: {figure: float(np.median(value[among[masked]])) for figure, value in values.items()}
            for name, among in (everything | each).items()
            if among[masked].any()
        },
        empty=sum(drawing.true == 0 for drawing in known),
        missed=sum(bool(drawing.true) and not drawing.both for drawing in known),
        rectangles=sum(drawing.rectangle for drawing in known),
        healthy=len(bare),
        healthy_drawn=sum(drawing.drawn > 0 for drawing in bare),
    )


def _values(known: Sequence[SegmentationCase], unit: Unit) -> dict[str, Floats]:
    """The figures that are means over images, of each image."""
    return {name: np.array([getattr(drawing, name) for drawing in known]) for name in _OVERLAPS} | {
        name: np.array([getattr(drawing.outlines(unit), name) for drawing in known]) for name in _SURFACES
    }


def _mean(resampled: BootstrapDraws, values: Floats, among: Flags) -> Estimate:
    """Over the images `among`."""
    return resampled.estimate(_ratio(resampled.sums(values * among), resampled.sums(among)), among)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing: a resample without any image of a class says nothing."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
