"""Segmentation metrics + predicted masks -> the section with its tables, and the best, median and worst cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.inference_result import gray_slice
from tumorlens.evaluation.page.consistency import ShownMasks, island_text
from tumorlens.evaluation.page.segmentation_tables import segmentation_tables
from tumorlens.metrics.lesions import DETECTED
from tumorlens.metrics.segmentation import Segmentation
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.report import Blocks, CaptionedImage, Section, contact_sheet, overlay, paragraph, side_by_side
from tumorlens.scan import GrayImage, Mask

OF_EACH = 3
"""How many of the best, of the median and of the worst cases are shown."""

_LONGEST = 640  # pixels of an image on the page, scan and close-up together
_CLOSE_UP = 156  # pixels of a close-up, about, before it is doubled
_PADDING = 0.6  # around the contours in the close-up, of their longer side
_RULE = (
    "Each metric is computed for every image that has a reference mask, at the size of that image, and then "
    "averaged over "
    "images. Mean IoU is the mean over tumor and background. Background fills most of an image, so mean IoU is always "
    "higher than the IoU of the tumor."
)
_EMPTY = (
    "Where predicted and reference mask are both empty, Dice, IoU and surface Dice are 1 and HD95 is 0. Where one "
    "of them "
    "is empty, Dice, IoU and surface Dice are 0 and HD95 is the diagonal of the image, so that a missed tumor counts; "
    "tools that leave such images out report higher values."
)
_LESIONS = (
    "Lesion-wise sensitivity is the share of the connected components of the reference masks that are detected: "
    "each with "
    f"all predicted components that overlap it has an IoU of at least {DETECTED:g}. A false positive is a predicted "
    "component that belongs to no detected lesion, however small; images without a tumor and without a mask count, too."
)


def segmentation_section(evaluation: Evaluation, segmentation: Segmentation) -> Section:
    """Metrics for all and by class, and the best, the median and the worst cases."""
    shown = ShownMasks(evaluation)
    blocks = shown.blocks() if evaluation.masks else ()
    blocks += segmentation_blocks(segmentation)
    chosen = _chosen(evaluation.samples, segmentation) if evaluation.masks else {}
    if chosen:
        blocks += paragraph(
            "Left: the image. Right: the part around both contours, the reference in orange and the prediction in "
            "cyan, "
            "dots of both colors where they meet."
        )
    for number, (title, positions) in enumerate(chosen.items()):
        images = [_captioned(evaluation, shown, i, segmentation.cases[i].dice) for i in positions]
        blocks += paragraph(f"{title}:") + contact_sheet(
            images, _LONGEST, wide=True, reading=None if number else "segmentation_cases"
        )
    return Section("Segmentation", blocks, "Does the predicted mask cover the tumor, and nothing else?")


def segmentation_blocks(segmentation: Segmentation) -> Blocks:
    """The tables, and how each metric is defined."""
    overlaps, others = segmentation_tables(segmentation)
    definitions = paragraph(f"{_surfaces(segmentation)} {_LESIONS}") + paragraph(f"{_EMPTY} {_counts(segmentation)}")
    return overlaps + paragraph(_RULE) + others + definitions


def _surfaces(segmentation: Segmentation) -> str:
    """How distances between contours are defined."""
    unit = segmentation.distance_unit
    reason = "the files give no pixel spacing, so distances are in pixels" if unit == "pixels" else ""
    return (
        "HD95 is the distance below which 95 % of each contour lies from the other, the larger of both directions; "
        f"surface Dice is the share of both contours that lies within {TOLERANCE:g} {unit} of the other"
        + (f" ({reason})." if reason else ".")
    )


def _counts(segmentation: Segmentation) -> str:
    """What the means rest on."""
    text = (
        f"Of {segmentation.masks:,} reference masks {segmentation.empty:,} are empty; in {segmentation.missed:,} "
        "the tumor "
        "is missed completely."
    )
    if segmentation.healthy:
        text += (
            f" {segmentation.healthy:,} images without a tumor and without a mask count among false positives "
            "alone; in "
            f"{segmentation.healthy_segmented:,} of them something is segmented."
        )
    return text


def _chosen(samples: Sequence[Sample], segmentation: Segmentation) -> dict[str, list[int]]:
    """Positions below their titles, of images whose reference mask shows a tumor; in a row no patient twice."""
    order = [i for i, case in enumerate(segmentation.cases) if case.reference]
    # of equally bad ones the largest tumor first
    order.sort(key=lambda i: (segmentation.cases[i].dice, -(segmentation.cases[i].reference or 0)))
    if len(order) <= 3 * OF_EACH:
        return {"All cases, the best first": order[::-1]} if order else {}
    half = len(order) // 2
    from_middle = [i for _, i in sorted(enumerate(order), key=lambda pair: abs(pair[0] - half))]
    rows = {"The best": order[::-1], "Around the median": from_middle, "The worst": order}
    return {title: _of_different_units(row, samples)[:OF_EACH] for title, row in rows.items()}


def _of_different_units(positions: list[int], samples: Sequence[Sample]) -> list[int]:
    """The first image of each patient."""
    first: dict[str, int] = {}
    for i in positions:
        first.setdefault(samples[i].unit, i)
    return list(first.values())


def _captioned(evaluation: Evaluation, shown: ShownMasks, position: int, dice: float) -> CaptionedImage:
    sample = evaluation.samples[position]
    gray, reference = gray_slice(sample.image), read_sample_mask(sample)
    assert reference is not None  # images without a mask are not among the cases
    predicted, islands = shown.mask(position)
    image = side_by_side([overlay(gray), _close_up(gray, predicted, reference)])
    alt = f"{sample.id}: reference and predicted contour of a tumor, Dice {dice:.2f}"
    lines = (sample.id, f"{sample.label}, Dice {dice:.2f}", shown.disagreement(position), island_text(islands))
    return CaptionedImage(image, "\n".join(filter(None, lines)), alt)


def _close_up(gray: GrayImage, predicted: Mask, reference: Mask) -> Image.Image:
    """The part of an image around both contours, enlarged, with lines two pixels wide whatever its size was."""
    near = _square_around(predicted | reference)
    scale = max(1, round(_CLOSE_UP / max(gray[near].shape)))
    height, width = (scale * edge for edge in gray[near].shape)
    large = np.asarray(Image.fromarray(gray[near]).resize((width, height), Image.Resampling.BICUBIC))
    ours, theirs = (mask[near].repeat(scale, 0).repeat(scale, 1) for mask in (predicted, reference))
    part = overlay(large, mask=ours, reference=theirs)
    return part.resize((2 * width, 2 * height), Image.Resampling.NEAREST)


def _square_around(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of a square around the mask, within the image."""
    spans = []
    for axis in (1, 0):
        hits = np.flatnonzero(mask.any(axis=axis))
        spans.append((int(hits[0]), int(hits[-1]) + 1))
    side = round((1 + _PADDING) * max(last - first for first, last in spans))
    starts = [
        min(max(0, (first + last - side) // 2), max(0, edge - side))
        for (first, last), edge in zip(spans, mask.shape, strict=True)
    ]
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns
