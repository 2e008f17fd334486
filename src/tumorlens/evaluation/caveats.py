"""What a reader must know before quoting a number: sentences that follow from how the data was split."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.auditing.integrity.mask_issues import BOX_MASK_SHARE
from tumorlens.datasets import Sample, SplitPlan, Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.overlap import SegmentationCase

FEW = 50
HALF = 0.5
"""Sensitivity of a class below which a caveat names it."""
SOME = 0.05
"""Share of bounding boxes among the reference masks from which they are mentioned."""

CHOSEN_ON = (
    "This is the validation subset, on which the epoch was chosen and the temperature fitted: the metrics are too "
    "high. "
    "Quote those of the test subset."
)
FITTED_ON = "This is the train subset, on which the network was fitted: the metrics say nothing about other images."
EXTERNAL = (
    "This is external data. Near-duplicates of training images, and patients of sets that tumorlens knows, are "
    "found; a "
    "training patient in other images and under another name is not."
)


def caveats(
    subset: Table, classes: tuple[str, ...], unit: str, *, measured: str, plan: SplitPlan | None
) -> tuple[str, ...]:
    """The caveats of the measured samples, each one to three sentences.

    Args:
        subset: the measured samples.
        classes: all classes the network knows.
        unit: what the bootstrap resampled: ``"patient"``, ``"patient or image"`` or ``"image"``.
        measured: ``"test"``, ``"val"`` or ``"train"`` of the run's own data; ``"all"`` of external data.
        plan: how the run's data was split.
    """
    found = [
        _split_by_image(plan) if measured != "all" else EXTERNAL,
        CHOSEN_ON if measured == "val" else FITTED_ON if measured == "train" else "",
        _unknown_patients(subset, unit),
        _few(len({s.unit for s in subset.samples}), unit),
        _absent(subset, classes),
        _separable_classes(subset),
    ]
    return tuple(sentence for sentence in found if sentence)


def class_caveats(metrics: Metrics) -> tuple[str, ...]:
    """A caveat where fewer than half of the images of a class are classified correctly."""
    known = {name: metrics.per_class.get(name, {}) for name in metrics.classes if metrics.support[name]}
    rates = {name: found["sensitivity"] for name, found in known.items() if "sensitivity" in found}
    low = [f"{name} {rate.percent()}" for name, rate in rates.items() if rate.value < HALF]
    if not low:
        return ()
    return (f"Fewer than half of the images of a class are classified correctly; sensitivity: {', '.join(low)}.",)


def mask_caveats(cases: Sequence[SegmentationCase], samples: Sequence[Sample]) -> tuple[str, ...]:
    """The caveats of predicted masks; none where the network does not segment."""
    if not cases:
        return ()
    masks = [case for case in cases if case.reference is not None]
    if not masks:
        return ("No image has a reference mask, so segmentation is not measured.",)
    found = [_box_masks([case for case in masks if case.reference]), _empty(cases, samples)]
    return tuple(sentence for sentence in found if sentence)


def _box_masks(shown: Sequence[SegmentationCase]) -> str:
    boxes = sum(case.box for case in shown)
    if not boxes or boxes < SOME * len(shown):
        return ""
    count = f"{boxes:,} of {len(shown):,} reference masks that show a tumor are filled rectangles"
    if boxes >= BOX_MASK_SHARE * len(shown):
        return f"{count}: bounding boxes, not contours. Dice and IoU measure how well boxes are found, and no contours."
    return f"{count}, most likely bounding boxes; Dice and IoU mix contours and boxes."


def _empty(cases: Sequence[SegmentationCase], samples: Sequence[Sample]) -> str:
    """Masks that cannot be right: a tumor class, and no pixel of tumor."""
    tumors = [
        (case, sample)
        for case, sample in zip(cases, samples, strict=True)
        if case.reference is not None and sample.label not in HEALTHY
    ]
    empty = [sample for case, sample in tumors if not case.reference]
    if not empty:
        return ""
    return (
        f"{len(empty):,} of {len(tumors):,} reference masks of images with a tumor are empty, the first is that of "
        f"{empty[0].id} ({empty[0].label}): a network that misses these tumors gets a Dice of 1. Add the missing "
        "masks, or leave the images out."
    )


def _split_by_image(plan: SplitPlan | None) -> str:
    if plan is None or plan.by != "image_ignoring_patients":
        return ""
    return (
        "The split ignores patients: slices of one patient are in training and in test, so every metric here is "
        "too high for new patients. This was requested (--split-by image)."
    )


def _unknown_patients(subset: Table, unit: str) -> str:
    if unit == "image":
        return (
            "This data has no patient ids. Intervals treat an image, with its copies, as independent; where patients "
            "recur, the metrics are too high and the intervals too narrow."
        )
    alone = sum(s.patient is None for s in subset.samples)
    return f"{alone} of {len(subset)} images have no patient id; each counts as a patient of its own." if alone else ""


def _few(units: int, unit: str) -> str:
    if units >= FEW:
        return ""
    what = "different test images" if unit == "image" else "test patients"
    halfwidth = 100 * 1.96 * (0.9 * 0.1 / units) ** 0.5  # a rate of 90 %, one observation a unit
    return (
        f"Only {units} {what}, fewer than {FEW}: a true rate of 90 % among them is measured to about plus or "
        f"minus {halfwidth:.0f} points. Methods that differ by less cannot be told apart, and bootstrap intervals of "
        "so few units are somewhat too narrow."
    )


def _absent(subset: Table, classes: tuple[str, ...]) -> str:
    present = {s.label for s in subset.samples}
    absent = [name for name in classes if name not in present]
    if not absent:
        return ""
    these = "this class is" if len(absent) == 1 else "these classes are"
    return f"No test image of {', '.join(absent)}: {these} not measured."


def _separable_classes(subset: Table) -> str:
    """Classes that can be told by their data set: each of their images is from a set that holds no other class."""
    holds: dict[str, set[str]] = {}
    for sample in subset.samples:
        holds.setdefault(sample.dataset, set()).add(sample.label)
    mixed = set().union(*(labels for labels in holds.values() if len(labels) > 1))
    alone = sorted(set().union(*holds.values()) - mixed)
    if len(holds) < 2 or not alone:
        return ""
    return (
        f"All images of {', '.join(alone)} are from sets that hold no other class: a network can recognize them by "
        "their scanner, and these metrics would not show it. Evaluate on external data, too (tumorlens evaluate RUN "
        "--data)."
    )
