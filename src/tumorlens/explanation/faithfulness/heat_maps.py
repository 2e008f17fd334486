"""Pipeline + images of any sizes -> heat maps, and what they have in common once they lie head on head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from tumorlens.explanation.faithfulness.control_maps import HeatMap
from tumorlens.explanation.pipeline_explainer import heatmaps
from tumorlens.models import Pipeline
from tumorlens.models.head_crop import head_boxes
from tumorlens.scan import Box, GrayImage

SIDE = 64
"""Pixels on a side of a map that was cut to the head."""

_BATCH = 16


def maps(pipeline: Pipeline, images: Sequence[GrayImage], targets: Sequence[int], method: str) -> Iterator[HeatMap]:
    """One map (H, W) for each image, in order; neighbors of one size are asked for together."""
    start = 0
    while start < len(images):
        end = start + 1
        while end < min(len(images), start + _BATCH) and images[end].shape == images[start].shape:
            end += 1
        yield from heatmaps(pipeline, np.stack(images[start:end]), list(targets[start:end]), method=method)
        start = end


def head_box(image: GrayImage) -> Box:
    """The box of the head: top, left, height, width; the whole image where none is found."""
    top, left, height, width = head_boxes(torch.from_numpy(image.copy())[None])[0].tolist()
    return top, left, height, width


def in_head(heatmap: HeatMap, head: Box) -> npt.NDArray[np.float32]:
    """The part of a map that lies over the head, (64, 64): black background would make all maps look alike."""
    top, left, height, width = head
    part = Image.fromarray(heatmap[top : top + height, left : left + width])
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
