"""Predicted classes and masks -> the metrics of each data set, plane, sequence, and of skull-stripped images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tumorlens._arrays import Flags, Floats, Ints
from tumorlens.datasets import Sample
from tumorlens.datasets.classes import HEALTHY
from tumorlens.evaluation.analyses.analysis import Context, PooledContext
from tumorlens.evaluation.analyses.subgroups.result import Subgroup, SubgroupsResult
from tumorlens.stats import BootstrapDraws


def measure(context: Context) -> SubgroupsResult | None:
    """Measure every subgroup; None where the images have no property in which they differ."""
    predicted = context.probabilities.argmax(axis=1).astype(np.int64)
    areas, dice = np.full(len(predicted), np.nan), np.full(len(predicted), np.nan)
    if context.cases:
        areas[:] = [case.predicted for case in context.cases]
        dice[:] = [case.dice if case.reference else np.nan for case in context.cases]
    return _result(context, predicted, areas, dice)


def pool(results: Sequence[SubgroupsResult | None], context: PooledContext) -> SubgroupsResult | None:
    """The subgroups of all folds together; None where a fold has none."""
    known = [result for result in results if result]
    if not known or len(known) < len(results):
        return None
    predicted, areas, dice = (
        np.concatenate([getattr(result, name) for result in known]) for name in ("predicted", "areas", "dice")
    )
    return _result(context, predicted, areas, dice)


def _result(context: Context | PooledContext, predicted: Ints, areas: Floats, dice: Floats) -> SubgroupsResult | None:
    draws = BootstrapDraws.draw(context.bootstrap)
    healthy = np.isin(context.labels, [i for i, name in enumerate(context.classes) if name in HEALTHY])
    rows = {
        "accuracy": (predicted == context.labels, np.ones(len(predicted), dtype=bool)),
        "sensitivity": (~_healthy(predicted, context.classes), ~healthy),
        "false_positive_rate": (~_healthy(predicted, context.classes), healthy),
        "segmented": (areas > 0, healthy & ~np.isnan(areas)),
    }
    units = np.asarray(context.bootstrap.units)
    groups = []
    for by, name, inside in _subgroups(context.samples):
        among = {key: all_images & inside for key, (_, all_images) in rows.items()}
        metrics = {key: draws.share(value, among[key]) for key, (value, _) in rows.items() if among[key].any()}
        if (measured := ~np.isnan(dice) & inside).any():
            metrics["dice"] = draws.estimate(draws.means(dice, measured), measured)
        groups.append(Subgroup(by, name, int(inside.sum()), len(set(units[inside].tolist())), metrics))
    return SubgroupsResult(tuple(groups), predicted, areas, dice) if groups else None


_WORDS: Mapping[bool | None, str | None] = {True: "yes", False: "no", None: None}
_PROPERTIES: Mapping[str, Callable[[Sample], str | None]] = {
    "data set": lambda sample: sample.dataset,
    "plane": lambda sample: sample.acquisition.plane if sample.acquisition else None,
    "sequence": lambda sample: sample.acquisition.sequence if sample.acquisition else None,
    "skull-stripped": lambda sample: _WORDS[sample.acquisition.skull_stripped if sample.acquisition else None],
}


def _subgroups(samples: Sequence[Sample]) -> Iterator[tuple[str, str, Flags]]:
    """Property, value, and which samples have it; of properties in which the samples differ."""
    for by, of in _PROPERTIES.items():
        values = [of(sample) for sample in samples]
        if len(set(values)) < 2:
            continue
        for name in sorted({value for value in values if value}):
            yield by, name, np.array([value == name for value in values])


def _healthy(labels: Ints, classes: Sequence[str]) -> Flags:
    return np.isin(labels, [i for i, name in enumerate(classes) if name in HEALTHY])
