"""Selective prediction result -> the section with its two tables."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.selective import ANALYSIS
from tumorlens.evaluation.analyses.selective.result import AtCoverage, SelectiveResult
from tumorlens.report import Blocks, Section, paragraph, table, verdict
from tumorlens.stats import Estimate

_READING = (
    "A conformal prediction set holds the classes that cannot be ruled out. The coverage of a class is the share "
    "of its "
    "images whose set holds it; every patient has the same weight. Where the set has exactly one class, the model "
    "answers; elsewhere it abstains. Thresholds come from the validation subset, or in a cross-validation from the "
    "other "
    "folds, class by class; patients are the exchangeable units. They guarantee nothing for external images."
)
_LIMIT = (
    "Coverage for other scanners, hospitals or diseases. It holds for new patients of the same source, on "
    "average over them, not for a single patient."
)


def section(result: SelectiveResult, samples: Sequence[Sample]) -> Section:
    """Size and selective accuracy, then empirical coverage by class, at each nominal coverage."""
    rows = [row for row in result.rows if not _holds_all(row)]
    answered = [
        [
            f"{row.nominal_coverage:g}",
            _size(row.size),
            row.answered.percent(),
            row.accuracy.percent() if row.accuracy else "– (never answers)",
        ]
        for row in rows
    ]
    covered = [
        [f"{row.nominal_coverage:g}", *(share.percent() for share in row.empirical_coverage.values())] for row in rows
    ]
    blocks: Blocks = ()
    if left_out := [f"{row.nominal_coverage:g}" for row in result.rows if _holds_all(row)]:
        blocks += paragraph(
            f"At a nominal coverage of {', '.join(left_out)} every prediction set holds all classes, so the model "
            "never answers; left out of the tables."
        )
    if rows:
        names = [f"coverage of {name}" for name in rows[0].empirical_coverage]
        headers = ["nominal coverage", "classes in set", "one class in set", "accuracy of those"]
        blocks += table(headers, answered, "r" * len(headers), reading="selective_answers")
        blocks += table(["nominal coverage", *names], covered, "r" * (1 + len(names)), reading="selective_coverage")
    blocks += verdict(result.conclusions, _LIMIT)
    blocks += paragraph(_READING)
    return Section(
        ANALYSIS.title, blocks, "How often the model answers when it may abstain, and how often it is right."
    )


def _holds_all(row: AtCoverage) -> bool:
    """Whether every prediction set holds all classes."""
    return row.answered.value == 0 and row.size.value >= len(row.empirical_coverage) - 1e-9


def _size(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
