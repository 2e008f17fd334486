"""Pipeline + samples -> logits, from the files themselves, exactly as the exported bundle will read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tumorlens.datasets import Sample
from tumorlens.models import Pipeline
from tumorlens.scan import Box, GreyImage, Mask, drawn_mask, read_scan

BATCH = 32
Drawn = Callable[[int, Mask], None]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a pipeline said of N samples, in their order.

    Attributes:
        logits: (N, K) float64.
        cams: for each sample the (K, h, w) activation maps; K is 0 where the network gives none.
        boxes: for each sample the part of the picture that was laid on the canvas.
    """

    logits: npt.NDArray[np.float64]
    cams: list[npt.NDArray[np.float32]]
    boxes: list[Box]


def infer(
    pipeline: Pipeline,
    samples: Sequence[Sample],
    *,
    progress: Callable[[int, int], None] | None = None,
    drawn: Drawn | None = None,
) -> Answers:
    """Run every sample through the pipeline in float32; pictures of one size go in batches.

    Args:
        pipeline: of a run.
        samples: at least one.
        progress: called with (done, total).
        drawn: called with (position of the sample, mask at the size of its picture) for each sample, if the
            network segments. Masks are not kept: those of a thousand pictures would fill the memory.

    Raises:
        ScanError: a file cannot be read, or holds a volume.
    """
    network = pipeline.to(memory_format=torch.channels_last).eval()
    logits: list[npt.NDArray[np.float64]] = []
    cams: list[npt.NDArray[np.float32]] = []
    boxes: list[Box] = []
    for batch in _batches(samples):
        with torch.inference_mode():
            answer = network(torch.from_numpy(np.stack(batch)))
        first = len(logits)
        logits.extend(answer.logits.double().numpy())
        cams.extend(answer.cam.float().numpy())
        boxes.extend(map(tuple, answer.boxes.tolist()))
        if drawn and answer.mask.numel():
            for position, chart in enumerate(answer.mask.float().numpy(), start=first):
                height, width = batch[0].shape
                drawn(position, drawn_mask(chart, network.prepare.canvas.place(height, width, boxes[position])))
        if progress:
            progress(len(logits), len(samples))
    return Answers(np.array(logits), cams, boxes)


def grey_slice(path: str | Path) -> GreyImage:
    """The picture in a file, (H, W) uint8.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    return read_scan(path).grey_slice()


def _batches(samples: Sequence[Sample]) -> Iterator[list[GreyImage]]:
    """Neighbours of one size together, in order."""
    batch: list[GreyImage] = []
    for sample in samples:
        image = grey_slice(sample.image)
        if batch and (len(batch) == BATCH or image.shape != batch[0].shape):
            yield batch
            batch = []
        batch.append(image)
    if batch:
        yield batch
