"""Pipeline + training and validation images -> the in-distribution subspace of its features, and the OOD threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from tumorlens._arrays import Floats
from tumorlens._progress import Progress, silent
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation.inference import infer
from tumorlens.evaluation.stored_thresholds import OODFitSummary
from tumorlens.evaluation.subset import spread
from tumorlens.models import InDistributionSubspace, Pipeline, principal_subspace
from tumorlens.models import OODScore as Score
from tumorlens.stats.conformal import pooled

MAX_TRAINING_IMAGES = 400  # of each data set; on Figshare they flag as many as all 2,199
VALIDATION_KEPT = (
    0.95  # share of the validation images of each set within the threshold before its scale, patients weighing alike
)
# A dozen validation patients say little about where 95 % of the next ones lie: of two networks of the recipe `default`,
# with patients resampled 100 times, 36 and 12 samples flagged more than 5 % of the others' slices, and with this scale
# 4 and 1, while the share of flagged images that are no MRI fell from 99.8 to 98.8 and from 97.6 to 96.0 %.
THRESHOLD_SCALE = 1.05


@dataclass(frozen=True, eq=False)
class OODFit(OODFitSummary):
    """The out-of-distribution score of a run, and what it was fitted on.

    Attributes:
        subspace: of the features of the training images, with the threshold.
    """

    subspace: InDistributionSubspace

    def scores(self, features: npt.ArrayLike) -> Floats:
        """(N, C) features averaged over places -> (N,) scores; above 1 an image is out-of-distribution."""
        with torch.inference_mode():
            given = torch.from_numpy(np.asarray(features, dtype=np.float32))
            return np.asarray(Score(self.subspace).score(given).double().numpy())


def _method(subspace: InDistributionSubspace) -> str:
    """The score in words."""
    return (
        f"distance from the {subspace.axes.shape[1]} principal components of the training images, "
        "of features to the power of a quarter, scaled to length 1, times the root of their own length"
    )


def fitting_samples(own: Table) -> list[Sample]:
    """The training images that `fit_ood` uses: at most 400 of each data set, spread over its patients.

    Not over all patients: a set of many patients with one slice each would leave few images of the others.
    """
    by_set: dict[str, list[Sample]] = {}
    for sample in own.samples:
        if sample.split == "train":
            by_set.setdefault(sample.dataset, []).append(sample)
    return [
        samples[i]
        for samples in by_set.values()
        for i in spread([sample.unit for sample in samples], MAX_TRAINING_IMAGES)
    ]


def fit_ood(
    pipeline: Pipeline,
    train: Sequence[Sample],
    held_out: Sequence[Sample],
    held_out_features: npt.NDArray[np.float32],
    *,
    threshold_scale: float = THRESHOLD_SCALE,
    progress: Progress = silent,
) -> OODFit | None:
    """Fit the in-distribution subspace on training images, and the threshold on validation images.

    Args:
        pipeline: of a run.
        train: images of its train subset, as `fitting_samples` chooses them.
        held_out: its validation subset.
        held_out_features: (N, C) of that, averaged over places.
        threshold_scale: the threshold, as a share of that below which `VALIDATION_KEPT` of the validation images of
            each data set lie.
        progress: called while inference runs on training images.

    Returns:
        None where there is no training or no validation image, or where all validation images have the same features.

    Raises:
        ScanError: an image cannot be read.
    """
    if not train or not held_out:
        return None
    subspace = principal_subspace(infer(pipeline, train, progress=progress, stage="OOD fit").features)
    units = [sample.unit for sample in held_out]
    fit = OODFit(
        method=_method(subspace),
        images=len(train),
        units=len({sample.unit for sample in train}),
        validation_images=len(held_out),
        validation_units=len(set(units)),
        kept=1.0,
        subspace=subspace,
    )
    distances = fit.scores(held_out_features)
    limit = threshold_scale * _limit(distances, held_out)
    if limit <= 0:
        return None
    levels, above = pooled(distances, units)
    beyond = above[np.searchsorted(levels, limit, side="right") - 1]
    return replace(fit, subspace=replace(subspace, threshold=limit), kept=float(1 - beyond))


def _limit(distances: Floats, samples: Sequence[Sample]) -> float:
    """The distance below which `VALIDATION_KEPT` of the images of each data set lie; patients of a set weigh alike."""
    limits = []
    for name in {sample.dataset for sample in samples}:
        rows = [i for i, sample in enumerate(samples) if sample.dataset == name]
        levels, above = pooled(distances[rows], [samples[i].unit for i in rows])
        limits.append(float(levels[np.argmax(above <= 1 - VALIDATION_KEPT + 1e-9)]))
    return max(limits)
