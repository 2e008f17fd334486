"""Robustness -> the section of the page that says and shows how a network holds up when images get worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS, SEVERITIES, disturb
from tumorlens.evaluation.analyses.robustness.result import Cell, Robustness, Row, Summary
from tumorlens.evaluation.inference import gray_slice
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
)
from tumorlens.report.text import interval, points, signed
from tumorlens.stats import Estimate

SHOWN = 3
"""The severity at which an image is shown."""

_ALL_LOST = 0.5  # the relative drop at which a cell is as warm as it gets
_READING = (
    "Severity 1 is barely seen, 2 is read past, 5 is what a radiologist would send back; images are below. Artifacts "
    "are made one at a time from the images at hand, with the same random draws at every severity. The mean of an "
    "artifact is that over its severities, and in the last row every artifact counts once. Severities in the last row "
    "are means over the artifacts that have five. A cell is the warmer the more of the clean figure is lost, up to "
    "half of it. That a network holds up here does not show that it holds up in another hospital; that it does not "
    "hold up here is reason to expect the same there."
)


def robustness_section(samples: Sequence[Sample], found: Robustness) -> Section:
    """The sentences, a heat table for each figure, and one image with every artifact."""
    body = paragraph(found.summary) + paragraph(found.worst_words) + paragraph(found.meaning)
    body += paragraph("Accuracy in percent, with its 95 % interval:") + _accuracy(found)
    if found.dice:
        body += paragraph("Mean Dice over the images with a mask, with its 95 % interval:") + _dice(found.dice, found)
    body += paragraph(_READING)
    sample = _example([samples[i] for i in found.positions])
    for severity, put in ((SHOWN, _open), (1, details), (SEVERITIES, details)):
        summary = f"One image with every artifact, at severity {severity}:"
        body += put(summary, contact_sheet(_images(sample, severity, found.seed)))
    lead = (
        f"What is named{' and drawn' if found.dice else ''} in {len(found.positions):,} of {len(samples):,} images "
        "when they get worse."
    )
    return Section("How it holds up", body, lead)


def _accuracy(found: Robustness) -> Blocks:
    def cell(one: Cell) -> tuple[Estimate, str]:
        return one.accuracy, f"{one.amount}; {points(one.difference)}; named most: {one.named}, {one.share:.0%}"

    return _table(found, found.accuracy, cell, lambda row: row.accuracy, percent=True)


def _dice(summary: Summary, found: Robustness) -> Blocks:
    def cell(one: Cell) -> tuple[Estimate, str]:
        assert one.dice is not None  # where the summary is there, it is
        assert one.dice_difference is not None
        return one.dice, f"{one.amount}; {signed(one.dice_difference)}"

    def mean(row: Row) -> Estimate:
        assert row.dice is not None
        return row.dice

    return _table(found, summary, cell, mean, percent=False)


def _table(
    found: Robustness,
    summary: Summary,
    cell: Callable[[Cell], tuple[Estimate, str]],
    mean: Callable[[Row], Estimate],
    *,
    percent: bool,
) -> Blocks:
    """Rows are artifacts, columns severities."""

    def warm(figure: Estimate, title: str = "", wide: int = 1) -> HeatCell:
        value = f"{100 * figure.value:.1f}" if percent else f"{figure.value:.3f}"
        lost = (summary.clean.value - figure.value) / summary.clean.value if summary.clean.value > 0 else 0.0
        return HeatCell(value, interval(figure, percent), lost / _ALL_LOST, title, wide)

    rows: list[tuple[str, list[HeatCell]]] = [("as they are", [warm(summary.clean, wide=SEVERITIES + 1)])]
    for row in found.rows:
        wide = SEVERITIES // len(row.cells)
        cells = [warm(*cell(one), wide=wide) for one in row.cells]
        rows.append((row.title, [*cells, warm(mean(row))]))
    rows.append(("all of them", [*map(warm, summary.severities), warm(summary.mean)]))
    return heat_table(["artifact", *map(str, range(1, SEVERITIES + 1)), "mean"], rows)


def _example(samples: Sequence[Sample]) -> Sample:
    """The middle one, with a mask if there is any: its tumor can be expected to be seen."""
    masked = [sample for sample in samples if sample.mask is not None] or list(samples)
    return masked[len(masked) // 2]


def _images(sample: Sample, severity: int, seed: int) -> list[CaptionedImage]:
    gray = gray_slice(sample.image)
    shown = [CaptionedImage(overlay(gray), f"as it is\n{sample.id}, {sample.label}", f"{sample.id}, as it is")]
    for name, artifact in ARTIFACTS.items():
        here = min(severity, len(artifact.amounts))
        worse = disturb(gray, name, here, seed=seed, sample=sample.id)
        words = f"{artifact.title}\n{artifact.words(here)}"
        shown.append(CaptionedImage(overlay(worse), words, f"{sample.id}, {artifact.title}: {artifact.words(here)}"))
    return shown


def _open(summary: str, blocks: Blocks) -> Blocks:
    """What is not behind a click."""
    return paragraph(summary) + blocks
