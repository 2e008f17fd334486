"""Outside and abstention -> rows and words as people read them, and the section of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tumorlens.datasets import Sample
from tumorlens.evaluation.analyzes.ood import Outside
from tumorlens.evaluation.analyzes.selective.measure import Abstention
from tumorlens.evaluation.inference import gray_slice
from tumorlens.report import CaptionedImage, Section, contact_sheet, overlay, paragraph, table
from tumorlens.stats import Estimate
from tumorlens.stats.conformal import units_needed

Grid = tuple[list[str], list[list[str]]]
"""Headings and rows."""

SHOWN = 8  # images that are flagged, the strangest first
_READING = (
    "Candidates are the classes that cannot be ruled out; a class is covered where it is among those of its images, "
    "and no larger share of them than the max-error is to lack it, patients weighing the same. Where one candidate is "
    "left the image counts as answered, else the answer abstains. Thresholds come from validation, or in a "
    "cross-validation from the other folds, class by class, with whole patients as what is "
    "exchangeable; they promise nothing for images from elsewhere."
)


def outside_words(found: Outside) -> str:
    """How many measured images are flagged as outside, and by what rule."""
    fit = found.fit
    return (
        f"Outside of what the model is for: {found.flagged.percent()} of these images are flagged. The limit is from "
        f"{fit.validation_images:,} validation images{_whose(found)}, of which {100 * fit.kept:.1f} % are within."
    )


def abstention_tables(found: Abstention) -> list[Grid]:
    """What is answered with how much error allowed, and how often the true class of each is a candidate."""
    answered = [
        [f"{row.error:g}", _plain(row.size), row.answered.percent(), row.accuracy.percent() if row.accuracy else ""]
        for row in found.rows
    ]
    covered = [[f"{row.error:g}", *(share.percent() for share in row.coverage.values())] for row in found.rows]
    names = [f"{name} covered" for name in found.rows[0].coverage]
    return [
        (["max-error", "candidates", "one candidate", "accuracy of those"], answered),
        (["max-error", *names], covered),
    ]


def unknown_words(found: Abstention) -> str:
    """For which errors the validation part has too few patients; empty where it has enough for all."""
    short = [row.error for row in found.rows if row.unknown]
    if not short:
        return ""
    needs = ", ".join(f"{error:g} needs {units_needed(error):,}" for error in short)
    have = ", ".join(f"{name} has {units:,}" for name, units in found.units.items())
    return f"{have} held out from training; max-error {needs}: a class with fewer stays a candidate for every image."


def says_no_section(
    samples: Sequence[Sample], outside: Outside | None, abstention: Abstention | None, *, lead: str = ""
) -> Section:
    """What is flagged, by class, with images, after a lead; and what is answered with how much error allowed."""
    body = paragraph(lead) if lead else ""
    if outside:
        body += paragraph(outside_words(outside))
        flagged = [[name, share.n, share.percent()] for name, share in outside.per_class.items()]
        body += table(["class", "images", "flagged as outside"], flagged, "lrr")
        body += contact_sheet([_image(samples[i], float(outside.scores[i])) for i in _strangest(outside)], 256)
    if abstention:
        for headings, rows in abstention_tables(abstention):
            body += table(headings, rows, "r" * len(headings))
        unknown = unknown_words(abstention)
        body += paragraph(f"Patients or images: {unknown}") if unknown else ""
        body += paragraph(_READING)
    return Section("When it says no", body, "Which images it does not answer, and how often it is right otherwise.")


def _whose(found: Outside) -> str:
    units, unit = found.fit.validation_units, found.flagged.unit
    return (
        "" if unit == "image" else f" of {units:,} {'patients' if unit == 'patient' else 'patients or single images'}"
    )


def _strangest(found: Outside) -> list[int]:
    order = np.argsort(-found.scores, kind="stable")
    return [int(i) for i in order[:SHOWN] if found.scores[i] > 1]


def _image(sample: Sample, score: float) -> CaptionedImage:
    caption = f"{sample.id}\n{sample.label}, score {score:.2f}"
    return CaptionedImage(overlay(gray_slice(sample.image)), caption, f"{sample.id}: flagged as outside")


def _plain(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
