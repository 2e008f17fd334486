"""Faithfulness -> example images, each with its reference contour and the heat maps of all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation import gray_slice
from tumorlens.explanation.faithfulness.control_maps import HeatMap
from tumorlens.explanation.faithfulness.faithfulness_result import SANITY_FAILED, Faithfulness, FaithfulnessRow
from tumorlens.explanation.faithfulness.heat_maps import iter_heatmaps
from tumorlens.report import Blocks, CaptionedImage, Section, contact_sheet, overlay, paragraph
from tumorlens.report.heat import beside_head_note, beside_head_text, share_beside_head
from tumorlens.report.text import percentage
from tumorlens.scan import GrayImage, Mask
from tumorlens.training import Run

EXAMPLES_PER_GROUP = 2
"""Examples with the highest, a median and the lowest score."""

_LONGEST = 240  # pixels of an image on the page, so that a contour of one pixel is visible


def example_section(run: Run, faithfulness: Faithfulness) -> Section:
    """Examples in the order of relevance mass accuracy, mean over methods."""
    pipeline = run.pipeline()
    blocks: Blocks = ()
    shares: list[float | None] = []
    for title, positions in _chosen(faithfulness).items():
        for i in positions:
            sample = faithfulness.samples[i]
            image, mask = gray_slice(sample.image), read_sample_mask(sample)
            assert mask is not None  # of images that were measured
            target = run.spec.classes.index(faithfulness.predicted[i])
            images = [
                CaptionedImage(
                    _render(image, mask), "scan and reference contour", f"{sample.id} with its reference contour"
                )
            ]
            for row in faithfulness.methods:
                (heatmap,) = iter_heatmaps(pipeline, [image], [target], row.name)
                shares.append(share_beside_head(image, heatmap))
                images.append(_captioned(row, i, sample, _render(image, mask, heatmap), shares[-1]))
            blocks += paragraph(f"{title}: {_caption(faithfulness, i)}") + contact_sheet(images, _LONGEST)
    lead = (
        "Ordered by relevance mass accuracy, mean over all methods; one image per patient in each group. The reference "
        "contour is cyan; the heat map goes from violet to yellow. Methods that explain a class explain the predicted "
        "class."
    )
    return Section("Examples: highest, median and lowest score", beside_head_note(shares) + blocks, lead)


def _chosen(faithfulness: Faithfulness) -> dict[str, list[int]]:
    """Title of a group -> positions of its images."""
    scores = [row.scores.values["relevance_mass_accuracy"] for row in faithfulness.methods]
    mean: Floats = np.mean(scores, axis=0)
    order = [int(i) for i in np.argsort(-mean, kind="stable")]
    if len(order) <= 3 * EXAMPLES_PER_GROUP:
        return {"From the highest to the lowest": order}
    half = len(order) // 2
    from_middle = sorted(order, key=lambda i: abs(order.index(i) - half))
    groups = {"Highest": order, "Median": from_middle, "Lowest": order[::-1]}
    return {
        title: _of_different_patients(positions, faithfulness.samples)[:EXAMPLES_PER_GROUP]
        for title, positions in groups.items()
    }


def _of_different_patients(positions: Sequence[int], samples: Sequence[Sample]) -> list[int]:
    """The first image of each patient."""
    first: dict[str, int] = {}
    for i in positions:
        first.setdefault(samples[i].unit, i)
    return list(first.values())


def _caption(faithfulness: Faithfulness, position: int) -> str:
    sample, predicted = faithfulness.samples[position], faithfulness.predicted[position]
    classified = "correctly classified" if predicted == sample.label else f"classified as {predicted}"
    probability = percentage(faithfulness.probabilities[position])
    return (
        f"{sample.id}, {sample.label}, {classified} with a probability of {probability}; "
        f"the tumor is {percentage(faithfulness.tumor_fractions[position])} of the image."
    )


def _captioned(
    row: FaithfulnessRow, position: int, sample: Sample, image: Image.Image, beside_head: float | None
) -> CaptionedImage:
    keys = ("relevance_mass_accuracy", "pointing_game")
    mass, pointing = (row.scores.values[key][position] for key in keys)
    hit = "maximum inside" if pointing == 1 else "maximum outside" if pointing == 0 else "maximum inside and outside"
    scores = "blank" if row.scores.blank[position] else f"relevance mass accuracy {mass:.2f}, {hit}"
    verdict = f"\n{SANITY_FAILED}" if row.fails else ""
    beside = f"\n{beside_head_text(beside_head)}" if beside_head else ""
    return CaptionedImage(image, f"{row.title}: {scores}{beside}{verdict}", f"{row.title} of {sample.id}: {scores}")


def _render(image: GrayImage, mask: Mask, heatmap: HeatMap | None = None) -> Image.Image:
    """The image, reduced before the contour is added, so that the contour is one pixel wide."""
    scale = min(1.0, _LONGEST / max(image.shape))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    gray = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    contour = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    heat = None
    if heatmap is not None:
        heat = np.asarray(Image.fromarray(heatmap).resize(size, Image.Resampling.BILINEAR))
    return overlay(gray, heat, contour)
