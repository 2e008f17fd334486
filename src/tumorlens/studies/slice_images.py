"""StudyResult -> images of its slices, upright, with the contours of the findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tumorlens.report import overlay
from tumorlens.report.scan_marks import with_scan_marks
from tumorlens.scan.types import Mask
from tumorlens.studies.plane_stack import PlaneStack, acquired_stack
from tumorlens.studies.study_result import Finding, StudyResult

_SHEET_TILES, _SHEET_COLUMNS, _TILE = 24, 6, 224
_SMALLEST = 256  # pixels of the shorter side of an image, so that letters can be read


def slice_image(result: StudyResult, index: int, finding: Finding | None = None) -> Image.Image:
    """One acquired slice, upright, with square pixels, contours, plane, sides and scale.

    Args:
        result: of the study.
        index: of the slice in the volume.
        finding: whose long and short axis are drawn, where this is its largest slice.
    """
    stack = acquired_stack(result.volume)
    scan = stack.scan(stack.read(index))
    gray = scan.gray_slice()
    labels = stack.turn.apply(result.labels[index][None])[0]
    factor = max(1, -(-_SMALLEST // min(gray.shape)))
    size = (gray.shape[1] * factor, gray.shape[0] * factor)
    large = np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.BILINEAR))
    mask: Mask = np.asarray(Image.fromarray((labels > 0).astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
    lines = []
    if finding and index == finding.largest_slice:
        rows, columns = size[1] / labels.shape[0], size[0] / labels.shape[1]
        for line in (finding.lesion.diameter, finding.lesion.perpendicular):
            ends = [
                (round((row + 0.5) * rows), round((column + 0.5) * columns)) for row, column in (line.start, line.end)
            ]
            lines.append((ends[0], ends[1]))
    image = overlay(large, mask=mask, lines=lines)
    spacing = None if scan.spacing is None else tuple(mm / factor for mm in scan.spacing)
    image = with_scan_marks(image, spacing, scan.orientation)
    return _with_numbers(image, labels, stack, result)


def _with_numbers(image: Image.Image, labels: Mask, stack: PlaneStack, result: StudyResult) -> Image.Image:
    """Write the number of each finding beside its contour, where there are several."""
    if len(result.findings) < 2:
        return image
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(11, image.width // 24))
    for number in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == number)
        at = ((columns.max() + 1) * image.width / labels.shape[1] + 2, rows.min() * image.height / labels.shape[0])
        pen.text(at, str(number), (0, 229, 255), font, anchor="lm", stroke_width=1, stroke_fill=(0, 0, 0))
    return image


def shown_slices(result: StudyResult, most: int) -> list[int]:
    """Indices of at most so many acquired slices, in order: those with findings first of all, the others evenly."""
    heads = [one.index for one in result.acquired_slices]
    with_findings = [one.index for one in result.acquired_slices if one.finding_pixels]
    chosen = set(_evenly(with_findings, most))
    chosen |= {finding.largest_slice for finding in result.findings[:most]}
    rest = [index for index in heads if index not in chosen]
    chosen |= set(_evenly(rest, max(0, most - len(chosen))))
    return sorted(chosen)


def _evenly(items: Sequence[int], count: int) -> Iterable[int]:
    if len(items) <= count:
        return items
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, count)] if count else []


def sheet(result: StudyResult) -> Image.Image:
    """An overview: up to 24 slices in their order, those with findings first of all, each with its number."""
    indices = shown_slices(result, _SHEET_TILES)
    rows = -(-len(indices) // _SHEET_COLUMNS)
    whole = Image.new("RGB", (min(len(indices), _SHEET_COLUMNS) * _TILE, rows * _TILE), "black")
    font = ImageFont.load_default(14)
    for position, index in enumerate(indices):
        tile = slice_image(result, index)
        tile.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
        left = position % _SHEET_COLUMNS * _TILE + (_TILE - tile.width) // 2
        top = position // _SHEET_COLUMNS * _TILE
        whole.paste(tile, (left, top))
        at = (left + tile.width - 4, top + 4)
        text = f"{index + 1}/{len(result.volume)}"
        ImageDraw.Draw(whole).text(at, text, "white", font, anchor="ra", stroke_width=1, stroke_fill="black")
    return whole
