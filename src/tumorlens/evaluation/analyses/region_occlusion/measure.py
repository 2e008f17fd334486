"""Run + samples -> what the network still classifies correctly with the surroundings, the head or the tumor occluded.

A network that tells classes apart in images without a head has learned a shortcut, however high its accuracy is. The
idea is that of Maguolo and Nanni (Information Fusion 76, 2021, 1), whose networks told diseases of the lung apart in
X-ray images with the lungs occluded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.analyses.analysis import Context, PooledContext
from tumorlens.evaluation.analyses.region_occlusion.occlude import (
    head_occluded,
    outside_head_occluded,
    tumor_occluded,
)
from tumorlens.evaluation.analyses.region_occlusion.result import OcclusionExample, OcclusionTest, RegionOcclusion
from tumorlens.evaluation.inference_result import Change, gray_slice
from tumorlens.evaluation.subset import with_reference_tumor
from tumorlens.metrics.calibration import softmax
from tumorlens.metrics.classification import measure as classification_metrics
from tumorlens.scan import GrayImage
from tumorlens.scan.foreground import head_mask
from tumorlens.stats import ClusterBootstrap, paired_difference


def measure(context: Context) -> RegionOcclusion | None:
    """Run inference three times more, each time with another region occluded.

    Returns:
        None where no reference mask shows a tumor; inference is not repeated then.

    Raises:
        ScanError, DataError: an image or a mask cannot be read.
    """
    samples, with_tumor = context.samples, with_reference_tumor(context.samples)
    if not with_tumor:
        return None
    filled: set[int] = set()

    def without_head(position: int, gray: GrayImage) -> GrayImage:
        head = head_mask(gray)
        if head.all():
            filled.add(position)
        return head_occluded(gray, head)

    def without_tumor(position: int, gray: GrayImage) -> GrayImage:
        mask = read_sample_mask(samples[with_tumor[position]])
        assert mask is not None  # it was read before
        return tumor_occluded(gray, mask)

    changes: dict[str, Change] = {
        "outside_head_occluded": lambda _, gray: outside_head_occluded(gray, head_mask(gray)),
        "head_occluded": without_head,
        "tumor_occluded": without_tumor,
    }
    tests = []
    for name, change in changes.items():
        positions = np.array(with_tumor if name == "tumor_occluded" else range(len(samples)))
        stage = name.replace("_", " ")
        inference = context.infer(
            [samples[i] for i in positions],
            change=change,
            batch_size=context.batch_size,
            progress=context.progress,
            stage=stage,
        )
        tests.append(
            _compared(
                name,
                positions,
                inference.logits,
                context.inference.logits,
                context.labels,
                context.bootstrap,
                context.classes,
            )
        )
    return RegionOcclusion(tuple(tests), len(samples), len(filled), _examples(samples, context.classes))


def pool(results: Sequence[RegionOcclusion | None], context: PooledContext) -> RegionOcclusion | None:
    """The tests of several networks on images of their own, as one; None where one network has none."""
    parts = [result for result in results if result]
    if len(parts) < len(results):
        return None
    starts = np.cumsum([0, *context.sizes])
    tests = []
    for same in zip(*(part.tests for part in parts), strict=True):
        positions = np.concatenate([test.positions + start for test, start in zip(same, starts, strict=False)])
        logits = np.concatenate([test.logits for test in same])
        tests.append(
            _compared(
                same[0].name, positions, logits, context.logits, context.labels, context.bootstrap, context.classes
            )
        )
    return RegionOcclusion(tuple(tests), len(context.samples), sum(part.filled for part in parts))


def _compared(
    name: str,
    positions: Ints,
    occluded: Floats,
    logits: Floats,
    labels: Ints,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> OcclusionTest:
    """One test, beside the predictions for the same images without occlusion."""
    units, original = bootstrap.only(positions), logits[positions]
    before, after = (one.argmax(axis=1) == labels[positions] for one in (original, occluded))
    metrics = [classification_metrics(softmax(one), labels[positions], units, classes) for one in (original, occluded)]
    return OcclusionTest(name, positions, occluded, metrics[0], metrics[1], paired_difference(before, after, units))


def _examples(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[OcclusionExample, ...]:
    """Of each class the first image, one with a mask if there is any, with each region occluded."""
    examples = []
    for label in classes:
        mine = [(sample.mask is None, position) for position, sample in enumerate(samples) if sample.label == label]
        if not mine:
            continue
        _, position = min(mine)
        gray, mask = gray_slice(samples[position].image), read_sample_mask(samples[position])
        head = head_mask(gray)
        shown = mask is not None and mask.any()
        examples.append(
            OcclusionExample(
                position,
                gray,
                outside_head_occluded(gray, head),
                head_occluded(gray, head),
                tumor_occluded(gray, mask) if mask is not None and shown else None,
            )
        )
    return tuple(examples)
