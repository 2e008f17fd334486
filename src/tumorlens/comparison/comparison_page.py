"""Comparison -> one self-contained HTML page: both runs, their paired difference, and what it does not establish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tumorlens.comparison.paired_classification import TEST, ComparedRun, Comparison
from tumorlens.metrics.names import METRICS
from tumorlens.report import (
    Note,
    PageFooter,
    Section,
    columns,
    figure,
    key_values,
    render_page,
    table,
    verdict,
)
from tumorlens.report.plots import IntervalChart, IntervalRow
from tumorlens.report.text import points, signed

_LIMIT = (
    "That one method is better than the other: each run is one training, on this data. An interval that includes 0 "
    "does not show that both are equal."
)


def comparison_page(comparison: Comparison, record: Mapping[str, Any] | None = None) -> str:
    """The whole page as HTML.

    Args:
        comparison: of two runs.
        record: facts of the run record, for the small print.
    """
    one, two, facts = comparison.first, comparison.second, comparison.facts
    resampling = f"; {facts.n_resamples} resamples, seed {facts.seed}" if facts else ""
    measured = f"{facts.data}, {facts.subset}: " if facts else ""
    return render_page(
        f"Comparison of {one.name} and {two.name}",
        f"{measured}{comparison.accuracy.evidence}",
        [_differences(comparison), _runs(one, two), _caveats(comparison)],
        PageFooter.of(
            record,
            f"95 % intervals: paired bootstrap of {comparison.accuracy.evidence}{resampling}.",
            seed=facts.seed if facts else None,
            data_fingerprint=facts.data_fingerprint if facts else None,
        ),
    )


def _differences(comparison: Comparison) -> Section:
    one, two = comparison.first, comparison.second
    names = ("accuracy", "balanced_accuracy")
    rows = [
        [METRICS[name].title, *(getattr(run, name).percent() for run in (one, two)), points(getattr(comparison, name))]
        for name in names
    ]
    rows.append(
        ["correct only here", f"{one.only_correct:,}", f"{two.only_correct:,}", f"p = {comparison.p_value:.3g}"]
    )
    texts = [comparison.conclusion]
    if masks := comparison.segmentation:
        for name, difference in masks.difference.items():
            title = METRICS[name].title_in(masks.distance_unit)
            title += ", lower is better" if METRICS[name].direction == "lower" else ""
            rows.append([title, str(masks.first[name]), str(masks.second[name]), signed(difference)])
        texts.append(masks.conclusion(one.name, two.name))
    forest = [
        row
        for name in names
        for row in (
            IntervalRow(METRICS[name].title),
            *(IntervalRow(run.name, getattr(run, name)) for run in (one, two)),
        )
    ]
    blocks = verdict(texts, _LIMIT, "info")
    blocks += table(["", one.name, two.name, "difference, paired"], rows, reading="comparison")
    blocks += figure(
        IntervalChart(forest), "The metrics of both runs with 95 % intervals.", reading="comparison_intervals"
    )
    lead = f"Second run minus first run, image by image; positive differences favor {two.name}. p: {TEST}."
    return Section("Difference", blocks, lead)


def _runs(one: ComparedRun, two: ComparedRun) -> Section:
    def facts(run: ComparedRun) -> list[tuple[str, object]]:
        if run.facts is None:
            return [("Run", run.name)]
        known = run.facts
        return [
            ("Run", run.name),
            ("Network", f"{known.model}, recipe {known.recipe}"),
            ("Training seed", known.training_seed),
            ("Weights", known.weights[:16]),
            ("Split", known.split_hash[:16]),
        ]

    return Section("Runs", columns(key_values(facts(one)), key_values(facts(two))), "What was compared.")


def _caveats(comparison: Comparison) -> Section:
    return Section("Caveats", tuple(Note("warning", text) for text in comparison.caveats))
