"""Run's train subset + measured samples -> metrics of the samples that leak from it, and of the clean ones."""

from __future__ import annotations

from dataclasses import replace

from tumorlens._progress import Progress, silent
from tumorlens.auditing import find_linked_groups
from tumorlens.datasets import Table
from tumorlens.evaluation.analyses.analysis import Context
from tumorlens.evaluation.analyses.leakage.result import LeakageResult
from tumorlens.evaluation.leaked_and_clean import leaked_and_clean


def measure(context: Context) -> LeakageResult | None:
    """Classification and segmentation metrics of the leaked and of the clean images; None where nothing leaks."""
    result = leaked_and_clean(
        leaked_ids(context.table, context.subset, progress=context.progress),
        context.samples,
        context.probabilities,
        context.labels,
        context.bootstrap,
        context.classes,
        context.cases,
        context.given,
    )
    return LeakageResult(**vars(result)) if result else None


def leaked_ids(own: Table, subset: Table, *, progress: Progress = silent) -> dict[str, set[str]]:
    """Ids of `subset` that leak from the train subset of a run, by ``"duplicate"`` and by ``"patient"``.

    Args:
        own: the run's table.
        subset: a subset of it, or other data.
        progress: called while images are compared; not called where the result is in the cache.
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
    for leak in find_linked_groups(whole, progress=progress).leaks(whole):
        names = {whole.samples[i].id for i in leak.samples} & wanted
        if names:
            leaked[leak.by] = names
    return leaked
