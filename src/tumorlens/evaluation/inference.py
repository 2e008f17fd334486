"""Pipeline + samples -> logits, from the files themselves, exactly as the exported model reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample
from tumorlens.evaluation.inference_result import BATCH, Change, InferenceResult, OnMask
from tumorlens.models import Pipeline
from tumorlens.scan import Box, Scan, mask_in_image, read_scan


def infer(
    pipeline: Pipeline,
    samples: Sequence[Sample],
    *,
    on_mask: OnMask | None = None,
    change: Change | None = None,
    read: Callable[[Path], Scan] | None = None,
    batch_size: int = BATCH,
    progress: Progress = silent,
    stage: str = "inference",
) -> InferenceResult:
    """Run every sample through the pipeline in float32; images of one size go in batches.

    Args:
        pipeline: of a run.
        samples: at least one.
        on_mask: called with (position of the sample, predicted mask at the size of its image, spacing as in `Scan`) for
            each sample, if the network segments. Masks are not kept: those of a thousand images would fill the memory.
        change: called with (position of the sample, its image), returns what the network sees instead, of the same
            size.
        batch_size: the largest number of images that the network gets at one time.
        read: reads an image; for callers that run inference on the same images many times and hold them.
        progress: called while inference runs.
        stage: its name for `progress`.

    Raises:
        ScanError: a file cannot be read, or holds a volume.
    """
    network = pipeline.to(memory_format=torch.channels_last).eval()
    logits: list[npt.NDArray[np.float64]] = []
    cams: list[npt.NDArray[np.float32]] = []
    boxes: list[Box] = []
    features: list[npt.NDArray[np.float32]] = []
    device = next((tensor.device for tensor in chain(network.parameters(), network.buffers())), torch.device("cpu"))
    for scans in _batches(samples, read or read_scan, batch_size):
        first = len(logits)
        batch = [scan.gray_slice() for scan in scans]
        if change:
            batch = [change(position, gray) for position, gray in enumerate(batch, start=first)]
        with torch.inference_mode():
            output = network(torch.from_numpy(np.stack(batch)).to(device))
        logits.extend(output.logits.double().cpu().numpy())
        cams.extend(output.cam.float().cpu().numpy())
        boxes.extend(map(tuple, output.boxes.tolist()))
        features.extend(output.pooled.float().cpu().numpy())
        if on_mask and output.mask.numel():
            for position, chart in enumerate(output.mask.float().cpu().numpy(), start=first):
                crop_window = network.preprocessing.input_geometry.crop_window(*scans[0].size, boxes[position])
                on_mask(position, mask_in_image(chart, crop_window), scans[position - first].spacing)
        progress(stage, len(logits), len(samples))
    return InferenceResult(np.array(logits), cams, boxes, np.array(features))


def _batches(samples: Sequence[Sample], read: Callable[[Path], Scan], batch_size: int) -> Iterator[list[Scan]]:
    """Neighbors of one size together, in order."""
    batch: list[Scan] = []
    for sample in samples:
        scan = read(sample.image)
        if batch and (len(batch) == batch_size or scan.size != batch[0].size):
            yield batch
            batch = []
        batch.append(scan)
    if batch:
        yield batch
