"""Segmentation -> the section of the page that says and shows how well tumors are drawn."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.inference import gray_slice, infer
from tumorlens.evaluation.report.segmentation_tables import lines
from tumorlens.metrics.lesions import HIT
from tumorlens.metrics.segmentation import Segmentation
from tumorlens.metrics.surfaces import TOLERANCE
from tumorlens.report import Blocks, CaptionedImage, Section, contact_sheet, overlay, paragraph, side_by_side, table
from tumorlens.scan import GrayImage, Mask
from tumorlens.training import Run

OF_EACH = 3
"""Images shown of the best, of the middle and of the worst."""

_LONGEST = 640  # pixels of an image on the page, scan and close-up together
_DRAWN = 156  # pixels of a close-up, about, before it is doubled
_MARGIN = 0.6  # around the outlines in the close-up, of their longer side
_RULE = (
    "Each figure is computed in every image that has a mask, at that image's own size, and then averaged over "
    "images. Mean IoU is the mean over tumor and background, and background is most of an image: it is always "
    "flattering."
)
_EMPTY = (
    "Where both mask and drawing are empty, Dice, IoU and surface Dice are 1 and HD95 is 0. Where one of them is, "
    "Dice, IoU and surface Dice are 0 and HD95 is the image's diagonal, so that a missed tumor counts; tools that "
    "leave such images out give better figures."
)
_LESIONS = (
    "Lesion-wise sensitivity is the share of all connected parts of the true masks that are hit: each with all drawn "
    f"parts that overlap it has an IoU of at least {HIT:g}. A false positive is a drawn connected part that belongs to "
    "no hit, however small; images without a tumor and without a mask count there, too."
)


def mask_section(run: Run, samples: tuple[Sample, ...], found: Segmentation) -> Section:
    """Figures for all and by class, and the best, the middle and the worst drawings."""
    body = mask_figures(found)
    chosen = _chosen(samples, found)
    if chosen:
        body += paragraph(
            "Left the scan, right the part of it in which anything is marked: the true outline in orange, the drawn "
            "one in cyan, dots of both where they meet."
        )
    for title, positions in chosen.items():
        images = _images(run, [(samples[i], found.drawings[i].dice) for i in positions])
        body += paragraph(f"{title}:") + contact_sheet(images, _LONGEST, wide=True)
    return Section("How well it draws", body, "Does the mask cover the tumor, and nothing else?")


def mask_figures(found: Segmentation) -> Blocks:
    """The tables, and what each figure is, in words."""
    covered, others = (table(headings, rows, "l" + "r" * (len(headings) - 1)) for headings, rows in lines(found))
    words = paragraph(f"{_surfaces(found)} {_LESIONS}") + paragraph(f"{_EMPTY} {_counts(found)}")
    return covered + paragraph(_RULE) + others + words


def _surfaces(found: Segmentation) -> str:
    """What the distances between outlines are, in words."""
    unit = found.distance_unit
    why = "the images do not say how large a pixel is, so distances are in pixels" if unit == "pixels" else ""
    return (
        "HD95 is the distance within which 95 % of each outline lies from the other, the larger of both directions; "
        f"surface Dice is the share of both outlines that lies within {TOLERANCE:g} {unit} of the other"
        + (f" ({why})." if why else ".")
    )


def _counts(found: Segmentation) -> str:
    """What the averages rest on, in words."""
    said = (
        f"Of {found.masks:,} true masks {found.empty:,} are empty, and in {found.missed:,} not one pixel of the tumor "
        "was drawn."
    )
    if found.healthy:
        said += (
            f" Images without a tumor and without a mask count among false positives alone: {found.healthy:,}, of "
            f"which {found.healthy_drawn:,} had something drawn into them all the same."
        )
    return said


def _chosen(samples: tuple[Sample, ...], found: Segmentation) -> dict[str, list[int]]:
    """Positions under their titles, of images whose mask shows a tumor; in a row no patient twice."""
    order = [i for i, drawing in enumerate(found.drawings) if drawing.true]
    # of equally bad ones the largest tumor first
    order.sort(key=lambda i: (found.drawings[i].dice, -(found.drawings[i].true or 0)))
    if len(order) <= 3 * OF_EACH:
        return {"All of them, the best first": order[::-1]} if order else {}
    half = len(order) // 2
    from_middle = [i for _, i in sorted(enumerate(order), key=lambda pair: abs(pair[0] - half))]
    rows = {"The best": order[::-1], "In the middle": from_middle, "The worst": order}
    return {title: _of_different_patients(row, samples)[:OF_EACH] for title, row in rows.items()}


def _of_different_patients(positions: list[int], samples: tuple[Sample, ...]) -> list[int]:
    """The first image of each patient."""
    first: dict[str, int] = {}
    for i in positions:
        first.setdefault(samples[i].unit, i)
    return list(first.values())


def _images(run: Run, cases: list[tuple[Sample, float]]) -> list[CaptionedImage]:
    """The network draws these few anew, since no masks are kept."""
    masks: list[Mask] = []
    infer(run.pipeline(), [sample for sample, _ in cases], drawn=lambda _, mask, __: masks.append(mask))
    images = []
    for (sample, dice), drawn in zip(cases, masks, strict=True):
        gray, true = gray_slice(sample.image), read_sample_mask(sample)
        assert true is not None  # images without a mask are not among the cases
        image = side_by_side([overlay(gray), _close_up(gray, drawn, true)])
        alt = f"{sample.id}: true and drawn outline of a tumor, Dice {dice:.2f}"
        images.append(CaptionedImage(image, f"{sample.id}\n{sample.label}, Dice {dice:.2f}", alt))
    return images


def _close_up(gray: GrayImage, drawn: Mask, true: Mask) -> Image.Image:
    """The part of an image that is marked, enlarged, with lines two pixels wide whatever its size was."""
    near = _around(drawn | true)
    scale = max(1, round(_DRAWN / max(gray[near].shape)))
    height, width = (scale * edge for edge in gray[near].shape)
    large = np.asarray(Image.fromarray(gray[near]).resize((width, height), Image.Resampling.BICUBIC))
    contour, truth = (mask[near].repeat(scale, 0).repeat(scale, 1) for mask in (drawn, true))
    part = overlay(large, contour=contour, truth=truth)
    return part.resize((2 * width, 2 * height), Image.Resampling.NEAREST)


def _around(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of a square around what is marked, within the image."""
    spans = []
    for axis in (1, 0):
        hits = np.flatnonzero(mask.any(axis=axis))
        spans.append((int(hits[0]), int(hits[-1]) + 1))
    side = round((1 + _MARGIN) * max(last - first for first, last in spans))
    starts = [
        min(max(0, (first + last - side) // 2), max(0, edge - side))
        for (first, last), edge in zip(spans, mask.shape, strict=True)
    ]
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns
