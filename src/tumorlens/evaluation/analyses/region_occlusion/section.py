"""Background -> the section of the page that says and shows what the network reads when something is blanked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.analyses.region_occlusion.occlude import head_occluded, outside_occluded, tumor_occluded
from tumorlens.evaluation.analyses.region_occlusion.result import TITLES, OcclusionTest, RegionOcclusion
from tumorlens.evaluation.inference import gray_slice
from tumorlens.report import CaptionedImage, Section, contact_sheet, overlay, paragraph, side_by_side, table
from tumorlens.scan import GrayImage
from tumorlens.scan.foreground import head_mask

_LONGEST = 640  # pixels of four images together
_GAP = 8  # pixels between them


def region_occlusion_section(samples: tuple[Sample, ...], found: RegionOcclusion) -> Section:
    """The three tests, what they mean, sensitivities by class, and an image of each class, blanked."""
    section, classes = region_occlusion_tables(found, len(samples)), _classes(found)
    body = section.body_html + paragraph(
        "What is blanked has the gray of the image's background, a tumor that of the tissue around it. Above the "
        "image, and beside it all but the head blanked; below the head blanked (here, and here only, brightened as "
        "far as it goes), and the tumor blanked. The size of an image and the outline of what is blanked can be seen."
    )
    body += contact_sheet([_image(_example(samples, name)) for name in classes], _LONGEST, wide=True)
    return replace(section, body_html=body)


def region_occlusion_tables(found: RegionOcclusion, count: int) -> Section:
    """The same without images, of so many that were measured."""
    rows = [_row(test) for test in found.tests]
    body = table(
        ["", "images", "accuracy", "as they are", "difference in points", "guessing", "balanced accuracy"],
        rows,
        "lrrrrrr",
    )
    body += "".join(paragraph(test.meaning) for test in found.tests)
    if found.filled:
        body += paragraph(
            f"In {found.filled:,} of {count:,} images no background was found; all of them was taken for head."
        )
    body += paragraph("Sensitivity of each class in the same tests; a shortcut often gives away one class only:")
    body += table(
        ["class", *(TITLES[test.name] for test in found.tests)],
        [[name, *(_sensitivity(test, name) for test in found.tests)] for name in _classes(found)],
        "lrrr",
    )
    return Section("What it reads", body, "Does it look at the tumor, or at something else?")


def _classes(found: RegionOcclusion) -> list[str]:
    return [name for name, count in found.tests[0].blanked.support.items() if count]


def _row(test: OcclusionTest) -> list[str | int]:
    accuracy, difference = test.blanked.overall["accuracy"], test.difference
    interval = "" if difference.low is None or difference.high is None else (
        f" ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    )  # fmt: skip
    return [
        TITLES[test.name],
        accuracy.n,
        accuracy.percent(),
        test.plain.overall["accuracy"].percent(),
        f"{100 * difference.value:+.1f}{interval}",
        f"{100 * test.guessing:.1f} %",
        test.blanked.overall["balanced_accuracy"].percent(),
    ]


def _sensitivity(test: OcclusionTest, name: str) -> str:
    return test.blanked.per_class[name]["sensitivity"].percent() if test.blanked.support[name] else ""


def _example(samples: tuple[Sample, ...], label: str) -> Sample:
    """The first image of a class, one with a mask if there is any."""
    return min((s for s in samples if s.label == label), key=lambda sample: sample.mask is None)


def _image(sample: Sample) -> CaptionedImage:
    gray, mask = gray_slice(sample.image), read_sample_mask(sample)
    head = head_mask(gray)
    shown = [gray, outside_occluded(gray, head), _brightened(head_occluded(gray, head))]
    if mask is not None and mask.any():
        shown.append(tumor_occluded(gray, mask))
    alt = f"{sample.id}: as it is, all but the head blanked, the head blanked" + ", the tumor blanked" * (
        len(shown) > 3
    )
    return CaptionedImage(_two_by_two(shown), f"{sample.id}\n{sample.label}", alt)


def _two_by_two(grays: list[GrayImage]) -> Image.Image:
    """Up to four images of one size, two in a row."""
    rows = [
        side_by_side([overlay(gray) for gray in grays[first : first + 2]], _GAP) for first in range(0, len(grays), 2)
    ]
    whole = Image.new("RGB", (rows[0].width, sum(row.height for row in rows) + _GAP), "white")
    for number, row in enumerate(rows):
        whole.paste(row, (0, number * (row.height + _GAP)))
    return whole


def _brightened(gray: GrayImage) -> GrayImage:
    """The brightest pixel white, so that faint traces can be seen."""
    bright: GrayImage = np.rint(gray * (255 / max(1, int(gray.max())))).astype(np.uint8)
    return bright
