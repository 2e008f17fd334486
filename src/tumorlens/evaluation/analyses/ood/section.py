"""OOD result -> the section with the share of flagged images by class, and the images with the highest scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.ood import ANALYSIS
from tumorlens.evaluation.analyses.ood.result import OODResult, PooledOODResult
from tumorlens.evaluation.inference_result import gray_slice
from tumorlens.report import CaptionedImage, Section, contact_sheet, overlay, table, verdict

SHOWN = 8  # flagged images, the highest scores first

_LIMIT = (
    "That an image that is not flagged is predicted correctly. The score compares an image with the training "
    "images; it does not check the prediction."
)


def section(result: OODResult | PooledOODResult, samples: Sequence[Sample]) -> Section:
    """The share of flagged images, by class, and some of them."""
    blocks = verdict(result.conclusions, _LIMIT)
    rows = [[name, share.n, share.percent()] for name, share in result.per_class.items()]
    blocks += table(["class", "images", "flagged"], rows, "lrr", reading="ood_flagged")
    if result.per_dataset:
        sets = [[name, share.n, share.percent()] for name, share in result.per_dataset.items()]
        blocks += table(["data set", "images", "flagged"], sets, "lrr", reading="ood_flagged")
    shown = [_captioned(samples[i], float(result.scores[i])) for i in _highest(result.scores)]
    blocks += contact_sheet(shown, 256, reading="ood_images")
    return Section(ANALYSIS.title, blocks, "Which images are unlike the training images.")


def _highest(scores: Floats) -> list[int]:
    order = np.argsort(-scores, kind="stable")
    return [int(i) for i in order[:SHOWN] if scores[i] > 1]


def _captioned(sample: Sample, score: float) -> CaptionedImage:
    caption = f"{sample.id}\n{sample.label}, OOD score {score:.2f}"
    return CaptionedImage(overlay(gray_slice(sample.image)), caption, f"{sample.id}: flagged as out-of-distribution")
