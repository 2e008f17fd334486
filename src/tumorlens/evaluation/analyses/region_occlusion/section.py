"""Region occlusion result -> the section that shows the three tests and one example of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.region_occlusion import ANALYSIS
from tumorlens.evaluation.analyses.region_occlusion.result import (
    TEST_TITLES,
    OcclusionExample,
    OcclusionTest,
    RegionOcclusion,
)
from tumorlens.report import CaptionedImage, Section, contact_sheet, overlay, paragraph, side_by_side, table, verdict
from tumorlens.report.text import percentage, points
from tumorlens.scan import GrayImage

_LONGEST = 640  # pixels of the longer side of four images together
_GAP = 8  # pixels between them
_EXAMPLES = (
    "The occluded region has the gray value of the background; a tumor has that of the tissue around it. Top left: "
    "input; top right: outside of the head occluded; bottom left: head occluded (contrast-stretched for display only); "
    "bottom right: tumor occluded, where a mask shows one. The size of the image and the outline of the occluded "
    "region stay visible."
)
_LIMIT = (
    "That the network reads the tumor as a radiologist does. The outline of the occluded region stays "
    "visible, and inside of the head other structures may give the class away."
)


def section(result: RegionOcclusion, samples: Sequence[Sample]) -> Section:
    """The three tests, what they mean, sensitivity by class, and an example of each class."""
    headers = [
        "test",
        "images",
        "accuracy",
        "without occlusion",
        "difference",
        "most frequent class",
        "balanced accuracy",
    ]
    blocks = table(headers, [_row(test) for test in result.tests], "lrrrrrr", reading="region_occlusion")
    blocks += verdict(result.conclusions, _LIMIT)
    if result.filled:
        blocks += paragraph(
            f"In {result.filled:,} of {result.images:,} images no background was found; all of them counted as head."
        )
    classes = [name for name, count in result.tests[0].occluded.support.items() if count]
    blocks += paragraph("Sensitivity of each class in the same tests; a shortcut often gives away one class only:")
    blocks += table(
        ["class", *(TEST_TITLES[test.name] for test in result.tests)],
        [[name, *(_sensitivity(test, name) for test in result.tests)] for name in classes],
        "lrrr",
        reading="region_occlusion_classes",
    )
    if result.examples:
        blocks += paragraph(_EXAMPLES)
        images = [_captioned(example, samples[example.position]) for example in result.examples]
        blocks += contact_sheet(images, _LONGEST, wide=True, reading="region_occlusion_examples")
    return Section(ANALYSIS.title, blocks, "Does the network use the tumor, or something else?")


def _row(test: OcclusionTest) -> list[str | int]:
    accuracy = test.occluded.overall["accuracy"]
    return [
        TEST_TITLES[test.name],
        accuracy.n,
        accuracy.percent(),
        test.original.overall["accuracy"].percent(),
        points(test.difference),
        percentage(test.majority_accuracy),
        test.occluded.overall["balanced_accuracy"].percent(),
    ]


def _sensitivity(test: OcclusionTest, name: str) -> str:
    if not test.occluded.support[name]:
        return "– (no images)" if test.name != "tumor_occluded" else "– (no tumor to occlude)"
    return test.occluded.per_class[name]["sensitivity"].percent()


def _captioned(example: OcclusionExample, sample: Sample) -> CaptionedImage:
    images = [example.original, example.outside_head, _stretched(example.head)]
    regions = ["input", "outside of the head occluded", "head occluded"]
    if example.tumor is not None:
        images.append(example.tumor)
        regions.append("tumor occluded")
    return CaptionedImage(_two_by_two(images), f"{sample.id}\n{sample.label}", f"{sample.id}: {', '.join(regions)}")


def _two_by_two(images: Sequence[GrayImage]) -> Image.Image:
    """Up to four images of one size, two in a row."""
    rows = [
        side_by_side([overlay(gray) for gray in images[first : first + 2]], _GAP) for first in range(0, len(images), 2)
    ]
    whole = Image.new("RGB", (rows[0].width, sum(row.height for row in rows) + _GAP), "white")
    for number, row in enumerate(rows):
        whole.paste(row, (0, number * (row.height + _GAP)))
    return whole


def _stretched(gray: GrayImage) -> GrayImage:
    """The brightest pixel white, so that faint traces can be seen."""
    bright: GrayImage = np.rint(gray * (255 / max(1, int(gray.max())))).astype(np.uint8)
    return bright
