"""Pipeline + images of any sizes -> heat maps, and their part over the head, where they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image

from tumorlens.explanation.faithfulness.control_maps import HeatMap
from tumorlens.explanation.pipeline_explainer import heatmaps
from tumorlens.models import Pipeline
from tumorlens.models.head_crop import head_boxes
from tumorlens.scan import Box, GrayImage

HEAD_MAP_SIZE = 64
"""Pixels per side of a map that was cropped to the head."""

_BATCH = 16


def iter_heatmaps(
    pipeline: Pipeline, images: Sequence[GrayImage], targets: Sequence[int], method: str
) -> Iterator[HeatMap]:
    """One map (H, W) for each image, in order; consecutive images of one size share a forward pass."""
    start = 0
    while start < len(images):
        end = start + 1
        while end < min(len(images), start + _BATCH) and images[end].shape == images[start].shape:
            end += 1
        yield from heatmaps(pipeline, np.stack(images[start:end]), list(targets[start:end]), method=method)
        start = end


def head_box(image: GrayImage) -> Box:
    """The box of the head: top, left, height, width; the whole image where no head is found."""
    top, left, height, width = head_boxes(torch.from_numpy(image.copy())[None])[0].tolist()
    return top, left, height, width


def crop_to_head(heatmap: HeatMap, head: Box) -> HeatMap:
    """The part of a map over the head, (64, 64): with the black background, all maps would be similar."""
    top, left, height, width = head
    crop = Image.fromarray(heatmap[top : top + height, left : left + width])
    return np.asarray(crop.resize((HEAD_MAP_SIZE, HEAD_MAP_SIZE), Image.Resampling.BILINEAR))
