"""Robustness result -> the section that shows metrics and examples under artifacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.robustness import ANALYSIS
from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS, SEVERITIES
from tumorlens.evaluation.analyses.robustness.measure import SHOWN
from tumorlens.evaluation.analyses.robustness.result import (
    ArtifactExample,
    Robustness,
    RobustnessCell,
    RobustnessRow,
    RobustnessSummary,
)
from tumorlens.report import (
    Blocks,
    CaptionedImage,
    HeatCell,
    Section,
    contact_sheet,
    details,
    heat_table,
    overlay,
    paragraph,
    verdict,
)
from tumorlens.report.text import interval, percentage, points, signed
from tumorlens.stats import Estimate

_WARMEST = 0.5  # the relative drop at which a cell has the warmest color
_READING = (
    "Severity 1 is barely visible, 2 is hardly noticed, 5 is what a radiologist would reject; examples are below. "
    "Each artifact is applied alone, with the same random numbers at every severity. The mean of an artifact is "
    "the mean "
    "over its severities; the last row gives every artifact the same weight, and its severities are means over the "
    "artifacts that have five. A cell is the warmer the more of the clean value is lost, up to half of it. Robustness "
    "here does not prove robustness in another hospital; a loss here is a reason to expect one there."
)
_LIMIT = "Robustness in another hospital. The artifacts are simulated one at a time on images of this data."


def section(result: Robustness, samples: Sequence[Sample]) -> Section:
    """The conclusions, a heat table for each metric, and one image under every artifact."""
    blocks = verdict(result.conclusions, _LIMIT)
    blocks += paragraph("Accuracy in percent, with its 95 % interval:") + _accuracy(result)
    if result.dice:
        blocks += paragraph("Mean Dice over the images with a mask, with its 95 % interval:")
        blocks += _dice(result.dice, result)
    blocks += paragraph(_READING)
    for severity in SHOWN if result.examples else ():
        summary = f"One image under every artifact, at severity {severity}:"
        grid = contact_sheet(_images(result, severity, samples[result.example]))
        blocks += paragraph(summary) + grid if severity == SHOWN[0] else details(summary, grid)
    metrics = "Accuracy and Dice" if result.dice else "Accuracy"
    lead = f"{metrics} of {len(result.positions):,} of {result.images:,} images under artifacts."
    return Section(ANALYSIS.title, blocks, lead)


def _accuracy(result: Robustness) -> Blocks:
    def cell(one: RobustnessCell) -> tuple[Estimate, str]:
        return (
            one.accuracy,
            f"{one.amount}; {points(one.difference)}; most predicted: {one.predicted}, {percentage(one.share)}",
        )

    return _table(result, result.accuracy, cell, lambda row: row.accuracy, percent=True)


def _dice(summary: RobustnessSummary, result: Robustness) -> Blocks:
    def cell(one: RobustnessCell) -> tuple[Estimate, str]:
        assert one.dice is not None  # where the summary has Dice, each cell has
        assert one.dice_difference is not None
        return one.dice, f"{one.amount}; {signed(one.dice_difference)}"

    def mean(row: RobustnessRow) -> Estimate:
        assert row.dice is not None
        return row.dice

    return _table(result, summary, cell, mean, percent=False)


def _table(
    result: Robustness,
    summary: RobustnessSummary,
    cell: Callable[[RobustnessCell], tuple[Estimate, str]],
    mean: Callable[[RobustnessRow], Estimate],
    *,
    percent: bool,
) -> Blocks:
    """Rows are artifacts, columns severities."""

    def warm(estimate: Estimate, title: str = "", wide: int = 1) -> HeatCell:
        value = f"{100 * estimate.value:.1f}" if percent else f"{estimate.value:.3f}"
        lost = (summary.clean.value - estimate.value) / summary.clean.value if summary.clean.value > 0 else 0.0
        return HeatCell(value, interval(estimate, percent), lost / _WARMEST, title, wide)

    rows: list[tuple[str, list[HeatCell]]] = [("clean", [warm(summary.clean, wide=SEVERITIES + 1)])]
    for row in result.rows:
        wide = SEVERITIES // len(row.cells)
        cells = [warm(*cell(one), wide=wide) for one in row.cells]
        rows.append((row.title, [*cells, warm(mean(row))]))
    rows.append(("all artifacts", [*map(warm, summary.severities), warm(summary.mean)]))
    metric = "accuracy, %" if percent else "Dice"
    return heat_table(
        [f"{metric}, by artifact", *map(str, range(1, SEVERITIES + 1)), "mean"], rows, reading="robustness"
    )


def _images(result: Robustness, severity: int, sample: Sample) -> list[CaptionedImage]:
    return [_captioned(one, sample) for one in result.examples if one.severity in (0, severity)]


def _captioned(example: ArtifactExample, sample: Sample) -> CaptionedImage:
    if not example.artifact:
        caption, alt = f"clean\n{sample.id}, {sample.label}", f"{sample.id}, clean"
        return CaptionedImage(overlay(example.image), caption, alt)
    artifact = ARTIFACTS[example.artifact]
    amount = artifact.words(min(example.severity, len(artifact.amounts)))
    caption, alt = f"{artifact.title}\n{amount}", f"{sample.id}, {artifact.title}: {amount}"
    return CaptionedImage(overlay(example.image), caption, alt)
