"""Validation scores + test predictions -> coverage of conformal prediction sets, and accuracy of single-class sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.evaluation.analyses.analysis import Context, PooledContext
from tumorlens.evaluation.analyses.selective.result import AtCoverage, SelectiveResult
from tumorlens.metrics.calibration import softmax
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate
from tumorlens.stats.conformal import PredictionSets, prediction_sets_of

COVERAGES = (0.99, 0.95, 0.90, 0.80)
"""The nominal coverages that are measured."""


def measure(context: Context) -> SelectiveResult | None:
    """Coverage, size and accuracy at several nominal coverages; None where no quantiles are known."""
    if stored := context.stored:
        if stored.prediction_sets is None:
            return None
        logits = stored.logits(context.probabilities)
        return at_coverages(stored.prediction_sets, logits, context.labels, context.bootstrap, context.classes)
    from tumorlens.evaluation.thresholds import fit_prediction_sets, may_fit  # here: a model file needs no PyTorch

    if not may_fit(context):
        return None
    fitted = fit_prediction_sets(context.table, context.validation, context.validation_inference.logits)
    return at_coverages(fitted, context.inference.logits, context.labels, context.bootstrap, context.classes)


def pool(results: Sequence[SelectiveResult | None], context: PooledContext) -> SelectiveResult:
    """The prediction sets of each fold from all other folds, measured as one.

    That the networks differ is what cross-conformal prediction accepts (Vovk 2015, Ann. Math. Artif. Intell. 74:9).
    The prediction sets of the result are from all images, for a network that is trained on all of them.
    """
    fold = np.repeat(np.arange(len(context.sizes)), context.sizes)
    units = np.array(context.bootstrap.units)
    sets = {coverage: np.zeros(context.logits.shape, dtype=bool) for coverage in COVERAGES}

    def fitted(chosen: Ints) -> PredictionSets:
        return prediction_sets_of(
            softmax(context.logits[chosen]),
            [context.samples[i].label for i in chosen],
            units[chosen].tolist(),
            context.classes,
            context.bootstrap.unit,
        )

    for number in range(len(context.sizes)):
        mine, others = fold == number, np.flatnonzero(fold != number)
        learned = fitted(others)
        for coverage, possible in sets.items():
            possible[mine] = learned.sets(softmax(context.logits[mine]), coverage)
    everything, draws = fitted(np.arange(len(fold))), BootstrapDraws.draw(context.bootstrap)
    rows = [
        at_coverage(coverage, possible, context.labels, draws, context.classes, everything.unknown(coverage))
        for coverage, possible in sets.items()
    ]
    return SelectiveResult(everything, tuple(rows))


def at_coverages(
    prediction_sets: PredictionSets, logits: Floats, labels: Ints, bootstrap: ClusterBootstrap, classes: Sequence[str]
) -> SelectiveResult:
    """All of `COVERAGES`.

    Args:
        prediction_sets: fitted on the validation subset.
        logits: (N, K) of the measured images.
        labels: (N,) index of the true class.
        bootstrap: the sampling units of the N images.
        classes: the K names.
    """
    draws, probabilities = BootstrapDraws.draw(bootstrap), softmax(logits)
    rows = (
        at_coverage(
            coverage,
            prediction_sets.sets(probabilities, coverage),
            labels,
            draws,
            classes,
            prediction_sets.unknown(coverage),
        )
        for coverage in COVERAGES
    )
    return SelectiveResult(prediction_sets, tuple(rows))


def at_coverage(
    coverage: float, sets: Flags, labels: Ints, draws: BootstrapDraws, classes: Sequence[str], unknown: str | None
) -> AtCoverage:
    """What one nominal coverage gives.

    Args:
        coverage: that was asked for.
        sets: (N, K), true where a class is in the prediction set.
        labels: (N,) index of the true class.
        draws: bootstrap samples of the N images.
        classes: the K names.
        unknown: as in `AtCoverage`.
    """
    everything = np.ones(len(labels), dtype=bool)
    holds = sets[np.arange(len(labels)), labels]
    single = sets.sum(axis=1) == 1
    return AtCoverage(
        nominal_coverage=coverage,
        empirical_coverage={
            name: _share(draws, holds, labels == i) for i, name in enumerate(classes) if (labels == i).any()
        },
        size=draws.estimate(_mean(draws, sets.sum(axis=1), everything)),
        answered=_share(draws, single, everything),
        accuracy=_among(draws, holds, single) if single.any() else None,
        unknown=unknown,
    )


def _share(draws: BootstrapDraws, what: Flags, among: Flags) -> Estimate:
    return draws.proportion(_mean(draws, what, among), among)


def _among(draws: BootstrapDraws, what: Flags, among: Flags) -> Estimate:
    """The share of some images, which weigh what they do among all: patients with few of them weigh less."""
    weights = 1 / np.bincount(draws.index)[draws.index]
    with np.errstate(invalid="ignore"):
        return draws.proportion(draws.sums(weights * (what & among)) / draws.sums(weights * among), among)


def _mean(draws: BootstrapDraws, values: npt.ArrayLike, among: Flags) -> Floats:
    """(1 + B,) the mean of values over some images, in which every patient that has any weighs the same."""
    counts = np.bincount(draws.index[among], minlength=draws.counts.shape[1])
    weights = among / np.maximum(1, counts[draws.index])
    with np.errstate(invalid="ignore"):
        return np.asarray(draws.sums(weights * np.asarray(values)) / draws.sums(weights))
