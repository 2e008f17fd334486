"""Predictor + Volume -> StudyResult."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import Predictor, available_threads
from tumorlens.errors import ScanError, TumorlensError
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.scan.finding_rule import FindingRule
from tumorlens.scan.head_slices import HeadFinder
from tumorlens.scan.types import Scan
from tumorlens.scan.volume import Volume
from tumorlens.studies.measure_findings import measure_finding, with_finding_pixels
from tumorlens.studies.plane_stack import (
    PlaneStack,
    acquired_stack,
    nearly_isotropic,
    stacks_in_all_planes,
)
from tumorlens.studies.study_result import SeriesChoice, StudyResult, StudySlice

Planes = Literal["auto", "acquired", "three"]
OnSlice = Callable[[int, Prediction], None]
"""Gets the index of a slice in its volume, and its prediction."""

Probability = npt.NDArray[np.float32]
"""(D, H, W) of tumor, as the volume, 0 in slices without a head."""

BY_USER = SeriesChoice("unknown", "the file does not say what sequence it holds", "user")


def predict_volume(
    predictor: Predictor,
    volume: Volume,
    *,
    planes: Planes = "auto",
    rule: FindingRule | None = None,
    limit: StudyLimit | None = None,
    choice: SeriesChoice = BY_USER,
    source: str | None = None,
    jobs: int | None = None,
    on_slice: OnSlice | None = None,
    progress: ProgressOption = None,
) -> StudyResult:
    """Predict the slices of a volume, and join what is segmented into findings in 3D.

    Slices are put upright and resampled to square pixels. They are predicted in the plane of acquisition; a volume with
    nearly equal spacing in all directions in three planes, and a voxel belongs to a finding where two of them agree.
    Slices that show nothing of a head are left out.

    Args:
        predictor: of a model file.
        volume: of one series.
        planes: ``"auto"`` as above, ``"acquired"`` for the plane of acquisition alone, ``"three"`` for all.
        rule: that makes findings; None for that of the model card, or `FindingRule()` where it has none.
        limit: that a finding must reach; None for that of the model card, or `StudyLimit()` where it has none.
        choice: which series the volume is.
        source: what the result names as its source; None for the path of the volume.
        jobs: slices that are computed at one time; None for one, or as many as processors where the predictor uses one
            thread.
        on_slice: gets the prediction of each acquired slice, but of resampled ones and those of one gray value.
        progress: a callable, True for bars, None for silence.

    Returns:
        The findings, and whether one is above the limit. A stack that is irregular, or a model without a mask, has
        predictions of slices alone, no finding, and is undetermined.

    Raises:
        ScanError: three planes are asked for and the volume is irregular or has no spacing; no slice shows a head; or a
            slice cannot be decoded.

    Example:
        >>> import tumorlens
        >>> from tumorlens.datasets.phantom import render_volume
        >>> phantom = render_volume("glioma", seed=1, slices=8, gap=8.0, size=96).to_volume()
        >>> result = tumorlens.predict_volume(tumorlens.load("tiny"), phantom)
        >>> result.planes, result.labels.shape
        (('axial',), (8, 96, 96))
    """
    started = time.perf_counter()
    rule = rule or predictor.card.finding_rule or FindingRule()
    limit = limit or predictor.card.study_limit or StudyLimit()
    with progress_of(progress) as step:
        kept, inside, probability = _predict_planes(predictor, volume, planes, rule, jobs, on_slice, step)
    slices, predicted = [one for plane in kept for one in plane.slices], [plane.stack for plane in kept]
    if not kept[0].slices:
        raise ScanError(volume.path, "no slice shows a head", expected="a series of the head")
    undetermined = _undetermined(volume, predictor.card.segments)
    segmented = np.zeros_like(inside) if undetermined else inside
    labels, count = rule.components(np.bitwise_count(segmented) >= min(rule.planes_needed, len(kept)))
    findings = [measure_finding(k, labels, segmented, predicted, slices, limit) for k in range(1, count + 1)]
    if any(one.above_limit is None for one in findings):
        undetermined = "the spacing is unknown, and the limit is a volume in ml"
    return StudyResult(
        source=source or str(volume.path),
        model=predictor.card.name,
        volume=volume,
        choice=choice,
        planes=tuple(stack.plane for stack in predicted),
        slices=tuple(with_finding_pixels(slices, labels, predicted)),
        findings=tuple(findings),
        labels=labels,
        probability=probability,
        rule=rule,
        limit=limit,
        undetermined=undetermined,
        milliseconds=1000 * (time.perf_counter() - started),
        model_sha256=predictor.sha256,
    )


@dataclass(frozen=True, eq=False)
class PlanePrediction:
    """The predictions of all slices of one plane.

    Attributes:
        stack: of the slices.
        slices: that show a head.
    """

    stack: PlaneStack
    slices: list[StudySlice]


def _stacks(volume: Volume, planes: Planes) -> Iterator[PlaneStack]:
    if planes == "three" and (volume.irregular or volume.spacing is None):
        found = f"slices that are {volume.irregular}" if volume.irregular else "no spacing"
        raise ScanError(volume.path, found, expected="equally spaced slices with a spacing, for three planes")
    if planes == "three" or (planes == "auto" and nearly_isotropic(volume)):
        yield from stacks_in_all_planes(volume)
    else:
        yield acquired_stack(volume)


def _undetermined(volume: Volume, segments: bool) -> str | None:
    """Why there can be no findings in 3D; None where there can."""
    if not segments:
        return "the model classifies slices and does not segment"
    if volume.irregular:
        return f"the slices are {volume.irregular}: predicted one by one"
    if len(volume) == 1:
        return "one slice alone"
    return None


def _predict_planes(
    predictor: Predictor,
    volume: Volume,
    planes: Planes,
    rule: FindingRule,
    jobs: int | None,
    on_slice: OnSlice | None,
    step: Progress,
) -> tuple[list[PlanePrediction], npt.NDArray[np.uint8], Probability | None]:
    """Predict all planes, one after the other; the probabilities of one plane and their mean are in memory.

    Returns:
        The planes; (D, H, W), bit k is set where plane k segments the voxel by the rule; and the mean probability.
    """
    kept: list[PlanePrediction] = []
    bits, mean = np.zeros(volume.size, dtype=np.uint8), None
    for k, stack in enumerate(_stacks(volume, planes)):
        one, probability = _predict_stack(predictor, stack, jobs, step, None if k else on_slice)
        kept.append(one)
        if probability is None:
            continue
        inside = rule.inside(stack.turn.apply(probability))
        stack.turn.apply(bits)[...] |= inside.astype(np.uint8) << k
        if mean is None:
            mean = probability
        else:
            mean += probability
    if mean is not None and len(kept) > 1:
        mean /= np.float32(len(kept))
    return kept, bits, mean


def _predict_stack(
    predictor: Predictor, stack: PlaneStack, jobs: int | None, step: Progress, on_slice: OnSlice | None
) -> tuple[PlanePrediction, Probability | None]:
    """Predict the slices of one plane, of which few are in memory at one time; and the probability of each voxel."""
    jobs = jobs or (available_threads() if predictor.threads == 1 else 1)
    volume, finder = stack.volume, HeadFinder()
    probability = np.zeros(volume.size, dtype=np.float32) if predictor.card.segments else None
    upright = None if probability is None else stack.turn.apply(probability)
    order: deque[int] = deque()

    def scans() -> Iterator[Scan]:
        for index in range(len(stack)):
            pixels = stack.read(index)
            finder.add(pixels)
            if pixels.min() != pixels.max():
                order.append(index)
                yield stack.scan(pixels)

    stage = f"predicting {stack.plane} slices"
    slices: list[tuple[int, StudySlice]] = []
    predictions = predictor.predict_many(scans(), heatmap=False, jobs=jobs, probability_map=True)
    for _, prediction in predictions:
        index = order.popleft()
        step(stage, index, len(stack))
        if isinstance(prediction, TumorlensError):
            raise prediction
        if on_slice and prediction.size == stack.size:
            on_slice(index, prediction)
        segmented = 0
        if prediction.probability_map is not None and upright is not None:
            soft = stack.on_grid(prediction.probability_map)
            upright[index] = soft
            segmented = int(np.count_nonzero(soft >= 0.5))
        label, score = prediction.label, prediction.ood_score
        one = StudySlice(stack.plane, index, label, prediction.probabilities, prediction.ood, score, segmented)
        slices.append((index, one))
    step(stage, len(stack), len(stack))
    shown = finder.heads()
    if upright is not None:
        upright[~shown] = 0
    return PlanePrediction(stack, [one for index, one in slices if shown[index]]), probability
