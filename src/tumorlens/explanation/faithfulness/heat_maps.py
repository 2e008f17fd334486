"""Pipeline + pictures of any sizes -> heat maps, and what they have in common once they lie head on head."""

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
from tumorlens.scan import Box, GreyImage

SIDE = 64
"""Pixels on a side of a map that was cut to the head."""

_BATCH = 16


def maps(pipeline: Pipeline, pictures: Sequence[GreyImage], targets: Sequence[int], method: str) -> Iterator[HeatMap]:
    """One map (H, W) for each picture, in order; neighbours of one size are asked for together."""
    start = 0
    while start < len(pictures):
        end = start + 1
        while end < min(len(pictures), start + _BATCH) and pictures[end].shape == pictures[start].shape:
            end += 1
        yield from heatmaps(pipeline, np.stack(pictures[start:end]), list(targets[start:end]), method=method)
        start = end


def head_box(picture: GreyImage) -> Box:
    """The box of the head: top, left, height, width; the whole picture where none is found."""
    top, left, height, width = head_boxes(torch.from_numpy(picture.copy())[None])[0].tolist()
    return top, left, height, width


def in_head(heatmap: HeatMap, head: Box) -> npt.NDArray[np.float32]:
    """The part of a map that lies over the head, (64, 64): black background would make all maps look alike."""
    top, left, height, width = head
    part = Image.fromarray(heatmap[top : top + height, left : left + width])
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
