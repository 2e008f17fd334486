"""Run + samples -> the share of images that are flagged as out-of-distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.evaluation.analyses.analysis import Context, PooledContext
from tumorlens.evaluation.analyses.ood.result import OODResult, PooledOODResult
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

SCALED_TO = 0.96  # of the held-out images: at most 5 % are to be flagged, and networks of one recipe differ


def measure(context: Context) -> OODResult | None:
    """Fit on train and validation, or take the fit of a model file, then count flagged images; None without a fit.

    Raises:
        ScanError: an image cannot be read.
    """
    groups = context.labels, context.bootstrap, context.classes
    if stored := context.stored:
        if stored.ood is None or stored.ood_scores is None:
            return None
        return OODResult(stored.ood, stored.ood_scores, *flagged(stored.ood_scores, *groups))
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
    return OODResult(fit, scores, *flagged(scores, *groups))


def pool(results: Sequence[OODResult | None], context: PooledContext) -> PooledOODResult | None:
    """Scale the threshold by every fold but one, for each, and by all; None where a fold has no score."""
    scores = [result.scores for result in results if result]
    if len(scores) < len(results):
        return None
    every = np.concatenate(scores)
    fold = np.repeat(np.arange(len(scores)), [len(one) for one in scores])
    others = np.array([np.quantile(every[fold != i], SCALED_TO) for i in range(len(scores))])
    units = context.labels, context.bootstrap, context.classes
    beyond, _ = flagged(every / others[fold], *units)
    return PooledOODResult(every, *flagged(every, *units), float(np.quantile(every, SCALED_TO)), beyond)


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

    def share(among: Flags) -> Estimate:
        with np.errstate(invalid="ignore"):
            return draws.proportion(draws.sums(beyond & among) / draws.sums(among), among)

    there = {name: labels == i for i, name in enumerate(classes)}
    per_class = {name: share(mine) for name, mine in there.items() if mine.any()}
    return share(np.ones(len(scores), dtype=bool)), per_class
