"""What a reader must know before quoting a number: sentences that follow from how the data was split."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.auditing.integrity.mask_issues import NEARLY_ALL
from tumorlens.datasets import Sample, SplitPlan, Table
from tumorlens.datasets.classes import HEALTHY
from tumorlens.metrics.overlap import SegmentationCase

FEW = 50
SOME = 0.05
"""Share of rectangles among the masks from which they are worth a word."""

CHOSEN_ON = (
    "This is the validation part, on which the epoch was chosen and the temperature fitted: the figures are too high. "
    "Quote those of the test part."
)
FITTED_ON = "This is the training part, on which the network was fitted: the figures say nothing of other images."
FOREIGN = (
    "This is other data than the run's own. Copies of training images, and patients of sets that tumorlens knows, "
    "would be noticed; a training patient in other images and under another name would not."
)


def caveats(
    part: Table, classes: tuple[str, ...], unit: str, *, measured: str, plan: SplitPlan | None
) -> tuple[str, ...]:
    """The cautions of what was measured, each one to three sentences.

    Args:
        part: the samples that were measured.
        classes: all classes the network knows.
        unit: what the bootstrap resampled: ``"patient"``, ``"patient or image"`` or ``"image"``.
        measured: ``"test"``, ``"val"`` or ``"train"`` of the run's own data; ``"all"`` of data from elsewhere.
        plan: how the run's data was split.
    """
    found = [
        _torn_patients(plan) if measured != "all" else FOREIGN,
        CHOSEN_ON if measured == "val" else FITTED_ON if measured == "train" else "",
        _unknown_patients(part, unit),
        _few(len({s.unit for s in part.samples}), unit),
        _absent(part, classes),
        _apart(part),
    ]
    return tuple(sentence for sentence in found if sentence)


def mask_caveats(drawings: Sequence[SegmentationCase], samples: Sequence[Sample]) -> tuple[str, ...]:
    """The cautions of what a network drew against the true masks of as many samples; none where it draws nothing."""
    if not drawings:
        return ()
    masks = [drawing for drawing in drawings if drawing.true is not None]
    if not masks:
        return ("No image has a mask, so nothing is said about how well tumors are drawn.",)
    found = [_rectangles([drawing for drawing in masks if drawing.true]), _empty(drawings, samples)]
    return tuple(sentence for sentence in found if sentence)


def _rectangles(shown: Sequence[SegmentationCase]) -> str:
    boxes = sum(drawing.rectangle for drawing in shown)
    if not boxes or boxes < SOME * len(shown):
        return ""
    count = f"{boxes:,} of {len(shown):,} true masks that show a tumor are filled rectangles"
    if boxes >= NEARLY_ALL * len(shown):
        return f"{count}: boxes, not outlines. Dice and IoU say how well boxes are found, and nothing about outlines."
    return f"{count}, most likely boxes; Dice and IoU mix what was outlined with what was boxed."


def _empty(drawings: Sequence[SegmentationCase], samples: Sequence[Sample]) -> str:
    """Masks that cannot be right: a tumor by its label, and not one pixel of it."""
    tumors = [(d, s) for d, s in zip(drawings, samples, strict=True) if d.true is not None and s.label not in HEALTHY]
    empty = [sample for drawing, sample in tumors if not drawing.true]
    if not empty:
        return ""
    return (
        f"{len(empty):,} of {len(tumors):,} true masks of images with a tumor are empty, the first is that of "
        f"{empty[0].id} ({empty[0].label}): a network that misses these tumors scores a Dice of 1. Draw what is "
        "missing, or leave the images out."
    )


def _torn_patients(plan: SplitPlan | None) -> str:
    if plan is None or plan.by != "image, patients ignored":
        return ""
    return (
        "The split ignores patients: slices of one patient are in training and in test, so every figure here is "
        "too high for new patients. This was requested (--split-by image)."
    )


def _unknown_patients(part: Table, unit: str) -> str:
    if unit == "image":
        return (
            "This data has no patient ids. Intervals treat an image, with its copies, as independent; where patients "
            "recur, the figures are too high and the intervals too narrow."
        )
    alone = sum(s.patient is None for s in part.samples)
    return f"{alone} of {len(part)} images have no patient id; each counts as a patient of its own." if alone else ""


def _few(units: int, unit: str) -> str:
    if units >= FEW:
        return ""
    what = "different test images" if unit == "image" else "test patients"
    margin = 100 * 1.96 * (0.9 * 0.1 / units) ** 0.5  # a rate of 90 %, one observation a unit
    return (
        f"Only {units} {what}, fewer than {FEW}: a true rate of 90 % among them is measured to about plus or "
        f"minus {margin:.0f} points. Methods that differ by less are not told apart, and bootstrap intervals this "
        "small come out somewhat too narrow."
    )


def _absent(part: Table, classes: tuple[str, ...]) -> str:
    present = {s.label for s in part.samples}
    absent = [name for name in classes if name not in present]
    return f"No test image of {', '.join(absent)}: nothing is said about it." if absent else ""


def _apart(part: Table) -> str:
    """Classes that can be told by their data set: each of their images is from a set that holds nothing else."""
    holds: dict[str, set[str]] = {}
    for sample in part.samples:
        holds.setdefault(sample.dataset, set()).add(sample.label)
    mixed = set().union(*(labels for labels in holds.values() if len(labels) > 1))
    alone = sorted(set().union(*holds.values()) - mixed)
    if len(holds) < 2 or not alone:
        return ""
    return (
        f"All images of {', '.join(alone)} are from sets that hold no other class: a network can know them by their "
        "scanner, whatever they show, and these figures would not tell. Measure it on data from elsewhere too "
        "(tumorlens evaluate RUN --data)."
    )
