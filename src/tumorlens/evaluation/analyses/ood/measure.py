"""Run + samples -> the share of images that are flagged as out-of-distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.analysis import Context, PooledContext
from tumorlens.evaluation.analyses.ood.result import OODResult, PooledOODResult
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

SCALED_TO = 0.96  # of the held-out images of each set: at most 5 % are to be flagged, and networks of a recipe differ


def measure(context: Context) -> OODResult | None:
    """Fit on train and validation, or take the fit of a model file, then count flagged images; None without a fit.

    Raises:
        ScanError: an image cannot be read.
    """
    groups = context.labels, context.bootstrap, context.classes
    if stored := context.stored:
        if stored.ood is None or stored.ood_scores is None:
            return None
        scores = np.asarray(stored.ood_scores)
        sets = flagged_sets(scores, context.samples, context.bootstrap)
        return OODResult(stored.ood, scores, *flagged(scores, *groups), sets)
    from tumorlens.evaluation.fit_ood import fit_ood, fitting_samples  # here: a model file needs no PyTorch
    from tumorlens.evaluation.thresholds import may_fit

    if context.pipeline is None or not may_fit(context):
        return None
    fit = fit_ood(
        context.pipeline,
        fitting_samples(context.table),
        context.validation,
        context.validation_inference.features,
        progress=context.progress,
    )
    if fit is None:
        return None
    scores = fit.scores(context.inference.features)
    sets = flagged_sets(scores, context.samples, context.bootstrap)
    return OODResult(fit, scores, *flagged(scores, *groups), sets)


def pool(results: Sequence[OODResult | None], context: PooledContext) -> PooledOODResult | None:
    """Scale the threshold by every fold but one, for each, and by all; None where a fold has no score."""
    scores = [result.scores for result in results if result]
    if len(scores) < len(results):
        return None
    every = np.concatenate(scores)
    fold = np.repeat(np.arange(len(scores)), [len(one) for one in scores])
    names = np.array([sample.dataset for sample in context.samples])
    others = np.array([_scale(every[fold != i], names[fold != i]) for i in range(len(scores))])
    units = context.labels, context.bootstrap, context.classes
    scaled = every / others[fold]
    beyond, _ = flagged(scaled, *units)
    sets = flagged_sets(scaled, context.samples, context.bootstrap)
    return PooledOODResult(every, *flagged(every, *units), _scale(every, names), beyond, sets)


def _scale(scores: Floats, names: npt.NDArray[np.str_]) -> float:
    """The score below which `SCALED_TO` of the images of each data set lie."""
    return max(float(np.quantile(scores[names == name], SCALED_TO)) for name in np.unique(names))


def flagged(
    scores: Floats, labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> tuple[Estimate, dict[str, Estimate]]:
    """The share of images that score above 1: of all, and of each class there is.

    Args:
        scores: (N,).
        labels: (N,) index of the true class.
        bootstrap: the sampling units of the N images.
        classes: the K names.
    """
    draws, beyond = BootstrapDraws.draw(bootstrap), scores > 1
    there = {name: labels == i for i, name in enumerate(classes)}
    per_class = {name: draws.share(beyond, mine) for name, mine in there.items() if mine.any()}
    return draws.share(beyond, np.ones(len(scores), dtype=bool)), per_class


def flagged_sets(scores: Floats, samples: Sequence[Sample], bootstrap: ClusterBootstrap) -> dict[str, Estimate]:
    """The share of images that score above 1 in each data set; empty where all are of one."""
    names = np.array([sample.dataset for sample in samples])
    if len(np.unique(names)) < 2:
        return {}
    draws = BootstrapDraws.draw(bootstrap)
    return {str(name): draws.share(scores > 1, names == name) for name in np.unique(names)}
