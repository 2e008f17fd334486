"""Run + samples -> accuracy and Dice under artifacts of scanner and handling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tumorlens._arrays import Floats, Ints
from tumorlens._extras import require
from tumorlens.datasets import Sample, read_sample_mask
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS, SEVERITIES, disturb, disturb_mask
from tumorlens.evaluation.analyses.robustness.result import (
    ArtifactExample,
    Robustness,
    RobustnessCell,
    RobustnessRow,
    RobustnessSummary,
)
from tumorlens.evaluation.inference_result import Spacing, gray_slice
from tumorlens.evaluation.subset import spread
from tumorlens.metrics.overlap import SegmentationCase
from tumorlens.scan import GrayImage, Mask, Scan, read_scan
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

CELLS = tuple((name, severity) for name, one in ARTIFACTS.items() for severity in range(1, len(one.amounts) + 1))
"""Every artifact at every severity."""

_HELD = 96  # images in memory at once, as they are and with one artifact: 50 MB of Figshare's


SHOWN = (3, 1, SEVERITIES)
"""The severities at which the example is kept, to be shown; the first one is shown without a click."""


def measure(context: Context) -> Robustness | None:
    """Run inference again with every artifact at every severity; each file is read once.

    Accuracy and Dice do not depend on the temperature.

    Returns:
        None for an evaluation without images.

    Raises:
        ScanError, DataError: an image or a mask cannot be read.
        MissingExtraError: the extra `train` is not installed.
    """
    require("monai.transforms", "train", "measure robustness")  # once, before threads ask for it together
    samples, bootstrap = context.samples, context.bootstrap
    positions = spread(bootstrap.units, context.limit or len(samples))
    chosen = [samples[i] for i in positions]
    predicted = np.empty((len(chosen), 1 + len(CELLS)), dtype=np.int64)
    dice = np.full(predicted.shape, np.nan)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for first in range(0, len(chosen), _HELD):
            part = slice(first, first + _HELD)

            def step(done: int, before: int = first) -> None:
                context.progress("robustness", before * predicted.shape[1] + done, predicted.size)

            predicted[part], dice[part] = _infer(context, chosen[part], pool, step)
    correct = (predicted == context.labels[positions][:, None]).astype(np.float64)
    result = _result(positions, predicted, correct, dice, bootstrap.only(positions), context.classes)
    masked = [i for i in positions if samples[i].mask is not None] or positions
    example = masked[len(masked) // 2]  # with a mask if there is any: its tumor can be expected to be seen
    return replace(
        result, images=len(samples), example=example, examples=tuple(_examples(samples[example], bootstrap.seed))
    )


def _examples(sample: Sample, seed: int) -> Iterator[ArtifactExample]:
    """One image, clean and under every artifact."""
    gray = gray_slice(sample.image)
    yield ArtifactExample("", 0, gray)
    for severity in SHOWN:
        for name, artifact in ARTIFACTS.items():
            here = min(severity, len(artifact.amounts))
            yield ArtifactExample(name, severity, disturb(gray, name, here, seed=seed, sample=sample.id))


def _infer(
    context: Context, samples: Sequence[Sample], pool: ThreadPoolExecutor, step: Callable[[int], None]
) -> tuple[Ints, Floats]:
    """(n, 1 + cells) index of the predicted class, and Dice; the first column is that of the clean images.

    Artifacts are made on all cores, then inference runs on all cores.
    """
    held = {sample.image: _held(sample.image) for sample in samples}
    masks = [read_sample_mask(sample) for sample in samples] if context.segments else []
    predicted = np.empty((len(samples), 1 + len(CELLS)), dtype=np.int64)
    dice = np.full(predicted.shape, np.nan)
    seed = context.bootstrap.seed

    def run(column: int, cell: tuple[str, int] | None) -> None:
        def changed(sample: Sample) -> GrayImage:
            gray: GrayImage = held[sample.image].pixels
            return disturb(gray, *cell, seed=seed, sample=sample.id) if cell else gray

        def compare(i: int, mask: Mask, _: Spacing) -> None:
            reference = masks[i]
            if reference is not None:
                moved = disturb_mask(reference, *cell, seed=seed, sample=samples[i].id) if cell else reference
                dice[i, column] = _dice(mask, moved)

        images = list(pool.map(changed, samples))
        inference = context.infer(
            samples,
            on_mask=compare,
            change=lambda i, _: images[i],
            read=held.__getitem__,
            batch_size=context.batch_size,
        )
        predicted[:, column] = inference.logits.argmax(axis=1)

    for column, cell in enumerate([None, *CELLS]):
        run(column, cell)
        step((column + 1) * len(samples))
    return predicted, dice


def _held(path: Path) -> Scan:
    """A scan whose pixels are gray already."""
    scan = read_scan(path)
    return replace(scan, pixels=scan.gray_slice())


def _dice(mask: Mask, reference: Mask) -> float:
    area, tumor, both = (int(np.count_nonzero(one)) for one in (mask, reference, mask & reference))
    return SegmentationCase(mask.size, area, tumor, both).dice


def _result(
    positions: Sequence[int],
    predicted: Ints,
    correct: Floats,
    dice: Floats,
    bootstrap: ClusterBootstrap,
    classes: Sequence[str],
) -> Robustness:
    """All metrics with their intervals; the columns are those of `_infer`."""
    masked = np.flatnonzero(np.isfinite(dice[:, 0]))
    accuracy = _Means(correct, bootstrap)
    overlap = _Means(dice[masked], bootstrap.only(masked)) if len(masked) else None
    rows = []
    for name, artifact in ARTIFACTS.items():
        columns = [1 + i for i, (of, _) in enumerate(CELLS) if of == name]
        cells = []
        for severity, column in enumerate(columns, start=1):
            counts = np.bincount(predicted[:, column], minlength=len(classes))
            cells.append(
                RobustnessCell(
                    severity=severity,
                    amount=artifact.words(severity),
                    accuracy=accuracy.share(column),
                    difference=accuracy.difference(column),
                    dice=overlap.mean([column]) if overlap else None,
                    dice_difference=overlap.difference(column) if overlap else None,
                    predicted=classes[int(counts.argmax())],
                    share=float(counts.max() / len(predicted)),
                )
            )
        mean = overlap.mean(columns) if overlap else None
        rows.append(RobustnessRow(name, artifact.title, tuple(cells), accuracy.mean(columns), mean))
    return Robustness(
        positions=tuple(positions),
        rows=tuple(rows),
        accuracy=accuracy.summary(),
        dice=overlap.summary() if overlap else None,
        seed=bootstrap.seed,
    )


class _Means:
    """The mean of a score in every column, in the sample and in every bootstrap sample."""

    def __init__(self, scores: Floats, bootstrap: ClusterBootstrap) -> None:
        """`scores`: (n, 1 + cells), those of the clean images first."""
        self.draws = BootstrapDraws.draw(bootstrap)
        self.columns = self.draws.sums(scores) / self.draws.sums(np.ones(len(scores)))[:, None]

    def share(self, column: int) -> Estimate:
        """Of correctly classified images."""
        return self.draws.proportion(self.columns[:, column], np.full(len(self.draws.index), True))

    def mean(self, columns: Sequence[int]) -> Estimate:
        """Over columns."""
        return self.draws.estimate(self.columns[:, columns].mean(axis=1))

    def difference(self, column: int) -> Estimate:
        """From the clean images, paired."""
        return self.draws.estimate(self.columns[:, column] - self.columns[:, 0])

    def summary(self) -> RobustnessSummary:
        """Over all artifacts, each counted once."""
        each = [self.columns[:, [1 + i for i, (of, _) in enumerate(CELLS) if of == name]] for name in ARTIFACTS]
        graded = np.mean([columns for columns in each if columns.shape[1] == SEVERITIES], axis=0)
        mean, clean = np.mean([columns.mean(axis=1) for columns in each], axis=0), self.columns[:, 0]
        drop = np.divide(clean - mean, clean, out=np.full(clean.shape, np.nan), where=clean > 0)
        return RobustnessSummary(
            clean=self.share(0) if np.isin(clean[0], (0, 1)) else self.mean([0]),
            severities=tuple(self.draws.estimate(graded[:, i]) for i in range(SEVERITIES)),
            mean=self.draws.estimate(mean),
            drop=self.draws.estimate(drop),
            differences=tuple(self.draws.estimate(graded[:, i] - clean) for i in range(SEVERITIES)),
        )
