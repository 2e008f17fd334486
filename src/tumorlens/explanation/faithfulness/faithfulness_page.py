"""Faithfulness -> one self-contained HTML page: all methods side by side, and the meaning of each metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tumorlens.explanation.faithfulness.example_cases import example_section
from tumorlens.explanation.faithfulness.faithfulness_result import FAITHFULNESS_METRICS, Faithfulness, FaithfulnessRow
from tumorlens.explanation.faithfulness.faithfulness_text import blurred_text, conclusion
from tumorlens.explanation.faithfulness.sanity_checks import MAX_CORRELATION
from tumorlens.report import (
    Note,
    PageFooter,
    Paragraph,
    Section,
    details,
    figure,
    key_values,
    paragraph,
    render_page,
    table,
    verdict,
)
from tumorlens.report.plots import CascadeChart, CascadeLine, IntervalChart, IntervalRow
from tumorlens.training import Run

_SUBSETS = {"test": "test subset", "all": "external data"}

_LIMIT = (
    "That a map shows why the network decides. A map inside of the tumor can come from a network that reads something "
    "else there, and a method that passes the sanity check may still be wrong for a single image."
)


def faithfulness_page(run: Run, faithfulness: Faithfulness, record: Mapping[str, Any] | None = None) -> str:
    """The whole page.

    Args:
        run: the explained run.
        faithfulness: the result.
        record: facts of the run record, for the small print.
    """
    facts = faithfulness.facts
    return render_page(
        f"Faithfulness of the heat maps of {facts.run}",
        f"{facts.model} on {facts.data}, {_SUBSETS[facts.subset]}: {facts.evidence}",
        [
            _comparison(faithfulness),
            _control_differences(faithfulness),
            _per_class(faithfulness),
            _sanity_checks(faithfulness),
            example_section(run, faithfulness),
            _definitions(faithfulness),
        ],
        PageFooter.of(
            record,
            f"95 % intervals: bootstrap of {facts.evidence}; {facts.n_resamples} resamples, seed {facts.seed}.",
            f"Split {facts.split_hash[:16]}, weights {facts.weights[:16]}.",
            seed=facts.seed,
            data_fingerprint=facts.data_fingerprint,
        ),
    )


def _comparison(faithfulness: Faithfulness) -> Section:
    checks = [(row.title, row.sanity_check) for row in faithfulness.methods if row.sanity_check]
    failures = {f"{title} {check.verdict}" for title, check in checks if check.fails}
    blocks = verdict(conclusion(faithfulness), _LIMIT)
    blocks += tuple(Note("danger" if text in failures else "warning", text) for text in faithfulness.caveats)
    headers = ["", *(f"{m.title}{' (lower is better)' * m.lower_is_better}" for m in FAITHFULNESS_METRICS.values())]
    rows = [
        [row.title_with_verdict, *(_estimate(row, key) for key in FAITHFULNESS_METRICS)] for row in faithfulness.rows
    ]
    blocks += table(headers, rows, "l" * len(headers), reading="faithfulness")
    caption = "Relevance mass accuracy of methods and control maps with 95 % intervals."
    blocks += figure(_forest_plot(faithfulness), caption, reading="faithfulness_intervals")
    facts = faithfulness.facts
    lead = (
        f"{facts.images:,} of {facts.with_tumor:,} images whose reference mask shows a tumor; {facts.misclassified:,} "
        "of them are misclassified, and maps explain the predicted class. Methods first, then control maps, which "
        "do not depend on the network. A method without a verdict passes the sanity check."
    )
    return Section("Comparison of methods", blocks, lead)


def _forest_plot(faithfulness: Faithfulness) -> IntervalChart:
    key = "relevance_mass_accuracy"
    return IntervalChart(
        [
            IntervalRow("methods"),
            *(IntervalRow(f"{row.title}{' (fails)' * row.fails}", row.metrics[key]) for row in faithfulness.methods),
            IntervalRow("control maps"),
            *(IntervalRow(row.title, row.metrics[key]) for row in faithfulness.rows if row.control),
        ],
        percent=False,
    )


def _estimate(row: FaithfulnessRow, key: str) -> str:
    """An estimate with its interval, and the threshold that was chosen."""
    text = _unbroken(FAITHFULNESS_METRICS[key].text(row.metrics[key]))
    return f"{text} at\N{NO-BREAK SPACE}{row.scores.threshold:.2f}" if key == "best_iou" else text


def _unbroken(text: str) -> str:
    """A narrow cell breaks between the value and its interval, not inside the interval."""
    space = "\N{NO-BREAK SPACE}"
    return text.replace(" ", space).replace(f"{space}(", " (")


def _control_difference(row: FaithfulnessRow, key: str) -> str:
    compared = row.control_differences[key]
    text = FAITHFULNESS_METRICS[key].difference(compared.difference)
    return f"{'✓ ' if compared.better else ''}{_unbroken(text)} {compared.control}"


def _control_differences(faithfulness: Faithfulness) -> Section:
    keys = [key for key in FAITHFULNESS_METRICS if key != "best_iou"]
    headers = ["", *(FAITHFULNESS_METRICS[key].title for key in keys)]
    rows = [[row.title_with_verdict, *(_control_difference(row, key) for key in keys)] for row in faithfulness.methods]
    blocks = table(headers, rows, "l" * len(headers), reading="faithfulness_differences")
    blocks += paragraph(
        "Each difference is paired, image by image, with the control map that is best in that metric; ✓ where the "
        "whole interval is on the better side of 0. A control map without any network finds a tumor near the middle, "
        "or a bright one: a method that is no better does not show which pixels the network uses. The control map is "
        "chosen on these images, so the comparison is conservative for the methods."
    )
    return Section("Comparison with control maps", blocks, "Each method minus the best control map.")


def _per_class(faithfulness: Faithfulness) -> Section:
    keys = ("pointing_game", "relevance_mass_accuracy")
    first = faithfulness.rows[0].per_class
    headers = ["", *(f"{FAITHFULNESS_METRICS[key].title}, {label}" for key in keys for label in first)]
    rows = [
        [
            row.title_with_verdict,
            *(_unbroken(FAITHFULNESS_METRICS[key].text(row.per_class[label][key])) for key in keys for label in first),
        ]
        for row in faithfulness.rows
    ]
    counts = ", ".join(f"{metrics['relevance_mass_accuracy'].n} {label}" for label, metrics in first.items())
    body = table(headers, rows, "l" * len(headers), reading="faithfulness_classes")
    return Section("Metrics by class", body, f"Images: {counts}.")


def _sanity_checks(faithfulness: Faithfulness) -> Section:
    longest = max((row.sanity_check.stages for row in faithfulness.methods if row.sanity_check), key=len)
    names = [stage.name for stage in longest]
    number = {name: i for i, name in enumerate(names, start=1)}
    lines, rows, constant = [], [], []
    for row in faithfulness.methods:
        if not (check := row.sanity_check):
            continue
        if check.stages:
            points = [(number[stage.name], stage.rank_correlation.value) for stage in check.stages]
            lines.append(CascadeLine(row.title_with_verdict, [(0, 1.0), *points]))
        correlations = (str(check.rank_correlation), str(check.ssim), str(check.between_patients))
        rows.append([row.title, *correlations, check.images, "FAILS" if check.fails else "passes"])
        unchanged = [stage.name for stage in check.stages if not stage.changes_map]
        if unchanged:
            constant.append(
                f"{row.title} does not depend on {', '.join(unchanged)}: its map cannot change there by construction."
            )
    blocks = figure(
        CascadeChart(lines, names, MAX_CORRELATION, "rank correlation"),
        "Cascading randomization: Spearman's correlation of each map with that of the trained network. It should fall.",
        reading="sanity_cascade",
    )
    headers = ["", "all weights random", "SSIM", "between patients", "images", "verdict"]
    blocks += table(headers, rows, "llllrl", reading="sanity_check")
    blocks += tuple(map(Paragraph, constant))
    stages = table(["stage", "module of the network"], enumerate(names, start=1), "ll", reading="sanity_stages")
    blocks += details("The stages", stages)
    lead = (
        "Weights are randomized from the last layer to the first (Adebayo et al. 2018). A map that hardly changes "
        "does not depend on what the network has learned, however plausible it looks."
    )
    return Section("Sanity check with random weights", blocks, lead)


def _definitions(faithfulness: Faithfulness) -> Section:
    definitions = [(metric.title, metric.meaning) for metric in FAITHFULNESS_METRICS.values()]
    definitions.append(
        (
            "sanity check",
            "The similarity of maps of a network with all weights random to those of the trained network: rank "
            "correlation inside the box of the head, mean over images and several random networks. A method fails if "
            f"the interval reaches {MAX_CORRELATION}, half of 1, which is no change. The correlation between maps of "
            "different patients is the similarity that comes from the shape of the head. SSIM is a second measure and "
            "does not decide.",
        )
    )
    definitions.append(("insertion and deletion", blurred_text(faithfulness)))
    return Section("Definitions of the metrics", key_values(definitions))
