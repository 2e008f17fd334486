"""Run's train subset + measured samples -> metrics of the samples that leak from it, and of the clean ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tumorlens._arrays import Flags
from tumorlens.auditing import find_linked_groups
from tumorlens.datasets import Table
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.metrics.classification import Metrics
from tumorlens.metrics.classification import measure as classification_metrics
from tumorlens.metrics.segmentation import Segmentation, measure_segmentation


def measure(context: Context) -> LeakageResult | None:
    """Classification and segmentation metrics of the leaked and of the clean images; None where nothing leaks."""
    return measure_leaks(leaked_ids(context.table, context.subset), context)


def measure_leaks(leaks: Mapping[str, set[str]], context: Context) -> LeakageResult | None:
    """The same for leaks that are known already.

    Args:
        leaks: ids of samples by the way they leak, as `leaked_ids` gives them.
        context: what is measured.
    """
    if not leaks:
        return None
    ids = set().union(*leaks.values())
    leaked = np.array([sample.id in ids for sample in context.samples])

    def classification(chosen: Flags) -> Metrics | None:
        if not chosen.any():
            return None
        bootstrap = context.bootstrap.only(np.flatnonzero(chosen))
        return classification_metrics(context.probabilities[chosen], context.labels[chosen], bootstrap, context.classes)

    def segmentation(chosen: Flags) -> Segmentation | None:
        if not context.cases:
            return None
        mine = np.flatnonzero(chosen).tolist()
        return measure_segmentation(
            [context.cases[i] for i in mine],
            [context.samples[i].label for i in mine],
            context.bootstrap.only(mine),
            context.classes,
        )

    duplicates, patients = (len(leaks.get(by, ())) for by in ("duplicate", "patient"))
    return LeakageResult(
        duplicates,
        patients,
        len(context.samples),
        classification(leaked),
        classification(~leaked),
        segmentation(leaked),
        segmentation(~leaked),
    )


def leaked_ids(own: Table, subset: Table) -> dict[str, set[str]]:
    """Ids of `subset` that leak from the train subset of a run, by ``"duplicate"`` and by ``"patient"``.

    Args:
        own: the run's table.
        subset: a subset of it, or other data.
    """
    ids = {sample.id for sample in own.samples}
    if all(sample.id in ids for sample in subset.samples):
        whole = own
    else:
        train = [sample for sample in own.samples if sample.split == "train"]
        held = [replace(sample, split="test") for sample in subset.samples]
        classes = tuple(dict.fromkeys((*own.classes, *subset.classes)))
        whole = Table(f"{own.name}+{subset.name}", (*train, *held), classes)
    wanted = {sample.id for sample in subset.samples}
    leaked: dict[str, set[str]] = {}
    for leak in find_linked_groups(whole).leaks(whole):
        names = {whole.samples[i].id for i in leak.samples} & wanted
        if names:
            leaked[leak.by] = names
    return leaked
