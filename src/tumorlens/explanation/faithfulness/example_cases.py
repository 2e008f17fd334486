"""Trust -> the best, the middle and the worst images, each with its true outline and the maps of all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation import gray_slice
from tumorlens.explanation.faithfulness.control_maps import HeatMap
from tumorlens.explanation.faithfulness.faithfulness_result import STAMP, Faithfulness, Row
from tumorlens.explanation.faithfulness.heat_maps import maps
from tumorlens.report import Blocks, CaptionedImage, Section, contact_sheet, overlay, paragraph
from tumorlens.scan import GrayImage, Mask
from tumorlens.training import Run

OF_EACH = 2
"""Images shown of the best, of the middle and of the worst."""

_LONGEST = 240  # pixels of an image on the page, so that an outline of one pixel is seen


def case_section(run: Run, found: Faithfulness) -> Section:
    """Images in the order of the energy inside the mask, mean over methods."""
    pipeline = run.pipeline()
    body: Blocks = ()
    for title, positions in _chosen(found).items():
        for i in positions:
            sample = found.samples[i]
            image, mask = gray_slice(sample.image), read_sample_mask(sample)
            assert mask is not None  # of images that were measured
            target = run.spec.classes.index(found.predicted[i])
            entries = [
                CaptionedImage(_small(image, mask), "scan and true outline", f"{sample.id} with its true outline")
            ]
            for row in found.methods:
                (heatmap,) = maps(pipeline, [image], [target], row.name)
                entries.append(_entry(row, i, sample, _small(image, mask, heatmap)))
            body += paragraph(f"{title}: {_words(found, i)}") + contact_sheet(entries, _LONGEST)
    lead = (
        "By the energy inside the true outline, mean over all methods; no patient twice in a row. The true "
        "outline is cyan, heat goes from violet to yellow. Methods that explain a class explain the one that was named."
    )
    return Section("The best, the middle and the worst", body, lead)


def _chosen(found: Faithfulness) -> dict[str, list[int]]:
    """Positions under their titles."""
    mean: npt.NDArray[np.float64] = np.mean([row.scores.values["energy"] for row in found.methods], axis=0)
    order = [int(i) for i in np.argsort(-mean, kind="stable")]
    if len(order) <= 3 * OF_EACH:
        return {"From the best to the worst": order}
    half = len(order) // 2
    from_middle = sorted(order, key=lambda i: abs(order.index(i) - half))
    rows = {"Best": order, "In the middle": from_middle, "Worst": order[::-1]}
    return {title: _of_different_patients(row, found.samples)[:OF_EACH] for title, row in rows.items()}


def _of_different_patients(positions: Sequence[int], samples: Sequence[Sample]) -> list[int]:
    """The first image of each patient."""
    first: dict[str, int] = {}
    for i in positions:
        first.setdefault(samples[i].unit, i)
    return list(first.values())


def _words(found: Faithfulness, position: int) -> str:
    sample, said = found.samples[position], found.predicted[position]
    named = f"named {said}" if said != sample.label else "named so"
    return (
        f"{sample.id}, {sample.label}, {named} with {found.probabilities[position]:.0%}; "
        f"the tumor is {found.tumor[position]:.1%} of the image."
    )


def _entry(row: Row, position: int, sample: Sample, drawn: Image.Image) -> CaptionedImage:
    energy, pointing = (row.scores.values[key][position] for key in ("energy", "pointing"))
    hit = (
        "hottest pixel inside" if pointing == 1 else "hottest pixel outside" if pointing == 0 else "hottest on the rim"
    )
    words = "blank" if row.scores.blank[position] else f"energy {energy:.2f}, {hit}"
    stamp = f"\n{STAMP}" if row.sanity and row.sanity.fails else ""
    return CaptionedImage(drawn, f"{row.title}: {words}{stamp}", f"{row.title} of {sample.id}: {words}")


def _small(image: GrayImage, mask: Mask, heatmap: HeatMap | None = None) -> Image.Image:
    """Reduced before the outline is drawn, so that it stays one pixel wide."""
    scale = min(1.0, _LONGEST / max(image.shape))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    gray = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    truth = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    heat = None
    if heatmap is not None:
        heat = np.asarray(Image.fromarray(heatmap).resize(size, Image.Resampling.BILINEAR))
    return overlay(gray, heat, truth)
