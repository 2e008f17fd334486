"""Outside and abstention -> rows and words as people read them, and the section of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyses.ood import OODResult
from tumorlens.evaluation.analyses.selective.measure import SelectiveResult
from tumorlens.evaluation.inference import gray_slice
from tumorlens.report import CaptionedImage, Section, contact_sheet, overlay, paragraph, table
from tumorlens.stats import Estimate
from tumorlens.stats.conformal import units_needed

Grid = tuple[list[str], list[list[str]]]
"""Headings and rows."""

SHOWN = 8  # images that are flagged, the strangest first
_READING = (
    "A conformal prediction set holds the classes that cannot be ruled out. The coverage of a class is the share of its "
    "images whose set holds it; every patient has the same weight. Where the set has exactly one class, the model "
    "answers; elsewhere it abstains. Thresholds come from the validation subset, or in a cross-validation from the other "
    "folds, class by class; patients are the exchangeable units. They guarantee nothing for external images."
)


def ood_text(found: OODResult) -> str:
    """How many measured images are flagged as outside, and by what rule."""
    fit = found.fit
    return (
        f"Outside of what the model is for: {found.flagged.percent()} of these images are flagged. The limit is from "
        f"{fit.validation_images:,} validation images{_whose(found)}, of which {100 * fit.kept:.1f} % are within."
    )


def abstention_tables(found: SelectiveResult) -> list[Grid]:
    """Size of the prediction sets, selective accuracy and empirical coverage by class, at each nominal coverage."""
    answered = [
        [
            f"{row.nominal_coverage:g}",
            _plain(row.size),
            row.answered.percent(),
            row.accuracy.percent() if row.accuracy else "",
        ]
        for row in found.rows
    ]
    covered = [
        [f"{row.nominal_coverage:g}", *(share.percent() for share in row.empirical_coverage.values())]
        for row in found.rows
    ]
    names = [f"coverage of {name}" for name in found.rows[0].empirical_coverage]
    return [
        (["nominal coverage", "classes in set", "one class in set", "accuracy of those"], answered),
        (["nominal coverage", *names], covered),
    ]


def unknown_words(found: SelectiveResult) -> str:
    """For which coverages the validation subset has too few patients; empty where it has enough for all."""
    short = [row.nominal_coverage for row in found.rows if row.unknown]
    if not short:
        return ""
    needs = ", ".join(f"{coverage:g} needs {units_needed(coverage):,}" for coverage in short)
    have = ", ".join(f"{name} has {units:,}" for name, units in found.units.items())
    return (
        f"{have} held out from training; coverage {needs}: a class with fewer is in the prediction set of every image."
    )


def says_no_section(
    samples: Sequence[Sample], ood: OODResult | None, abstention: SelectiveResult | None, *, lead: str = ""
) -> Section:
    """What is flagged, by class, with images, after a lead; and what is answered with how much error allowed."""
    body = paragraph(lead) if lead else ()
    if ood:
        body += paragraph(ood_text(ood))
        flagged = [[name, share.n, share.percent()] for name, share in ood.per_class.items()]
        body += table(["class", "images", "flagged as outside"], flagged, "lrr")
        body += contact_sheet([_image(samples[i], float(ood.scores[i])) for i in _strangest(ood)], 256)
    if abstention:
        for headings, rows in abstention_tables(abstention):
            body += table(headings, rows, "r" * len(headings))
        unknown = unknown_words(abstention)
        body += paragraph(f"Patients or images: {unknown}") if unknown else ()
        body += paragraph(_READING)
    return Section("When it says no", body, "Which images it does not answer, and how often it is right otherwise.")


def _whose(found: OODResult) -> str:
    units, unit = found.fit.validation_units, found.flagged.unit
    return (
        "" if unit == "image" else f" of {units:,} {'patients' if unit == 'patient' else 'patients or single images'}"
    )


def _strangest(found: OODResult) -> list[int]:
    order = np.argsort(-found.scores, kind="stable")
    return [int(i) for i in order[:SHOWN] if found.scores[i] > 1]


def _image(sample: Sample, score: float) -> CaptionedImage:
    caption = f"{sample.id}\n{sample.label}, score {score:.2f}"
    return CaptionedImage(overlay(gray_slice(sample.image)), caption, f"{sample.id}: flagged as outside")


def _plain(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
