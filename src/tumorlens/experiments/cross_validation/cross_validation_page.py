"""Cross-validation -> one self-contained HTML page over all folds."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from tumorlens.evaluation.page.evaluation_page import (
    analysis_sections,
    calibration_section,
    class_section,
    error_section,
    summary_section,
)
from tumorlens.evaluation.page.segmentation_section import segmentation_blocks
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold
from tumorlens.report import Note, PageFooter, Section, figure, key_values, links, paragraph, render_page, table
from tumorlens.report.plots import IntervalChart, IntervalRow
from tumorlens.report.text import number

_VALIDATION = {"val_accuracy": ("validation accuracy", True), "val_dice": ("validation Dice", False)}


def cross_validation_page(result: CrossValidation, record: Mapping[str, Any] | None = None) -> str:
    """The HTML page of a cross-validation.

    Args:
        result: of the cross-validation.
        record: facts of the run record, for the small print.
    """
    pooled, facts = result.pooled, result.pooled.facts
    temperatures = ", ".join(f"{temperature:.3f}" for temperature in result.temperatures)
    lead = (
        f"The temperature of each fold was fitted on the images of all other folds: {temperatures}. The temperature "
        f"fitted on all images, for a network trained on all of them, is {pooled.calibration.temperature:.3f}."
    )
    return render_page(
        f"Cross-validation of {facts.recipe}",
        f"{facts.model} on {facts.data}: {len(result.folds)} folds",
        [
            summary_section(pooled),
            _folds(result),
            class_section(pooled),
            *([_masks(result)] if pooled.segmentation else []),
            *analysis_sections(pooled),
            calibration_section(pooled, lead),
            error_section(result.folds[0].run.spec.input_geometry, pooled),
            _evidence(result),
        ],
        PageFooter.of(
            record,
            f"95 % intervals: bootstrap of {facts.evidence}; {facts.n_resamples} resamples, seed {facts.seed}.",
            f"Splits {facts.split_hash[:16]}.",
            seed=facts.seed,
            data_fingerprint=facts.data_fingerprint,
        ),
    )


def _folds(result: CrossValidation) -> Section:
    segments = result.pooled.segmentation is not None
    chosen = [name for key, (name, _) in _VALIDATION.items() if key in result.validation]
    headings = [
        "fold",
        "images",
        "patients",
        "accuracy",
        *(["Dice"] if segments else []),
        *chosen,
        "temperature",
        "epoch kept",
    ]
    body = table(
        headings,
        [_row(*pair, segments, result.validation) for pair in zip(result.folds, result.temperatures, strict=True)],
        "l" + "r" * (len(headings) - 1),
        reading="folds",
    )
    overall = result.pooled.metrics.overall["accuracy"]
    rows = [IntervalRow(fold.folder, fold.evaluation.metrics.overall["accuracy"]) for fold in result.folds]
    body += figure(
        IntervalChart([*rows, IntervalRow("all", overall)]),
        "Accuracy of each fold and of all with 95 % intervals.",
        reading="fold_intervals",
    )
    if chosen:
        values = ", ".join(
            f"{name} {number(result.validation[key], percent)}"
            for key, (name, percent) in _VALIDATION.items()
            if key in result.validation
        )
        body += paragraph(
            f"Over all folds: {values}, with equal weight for every image. Use these to choose between recipes, and "
            "report the metrics of the held-out folds; the latter are too high where they were used for the choice."
        )
    body += links(
        "The report of each fold, with images and analyses:",
        [(fold.folder, f"{fold.folder}/evaluations/test/report.html") for fold in result.folds],
    )
    return Section("Folds", body, "Folds differ in their patients and in the randomness of their training.")


def _row(fold: Fold, temperature: float, segments: bool, validation: Container[str]) -> list[object]:
    kept = fold.run.record.validation
    chosen = [number(kept[key], percent) for key, (_, percent) in _VALIDATION.items() if key in validation]
    facts, segmentation = fold.evaluation.facts, fold.evaluation.segmentation
    return [
        str(fold.number),
        facts.images,
        facts.patients or "unknown",
        fold.evaluation.metrics.overall["accuracy"].percent(),
        *([str(segmentation.overall["dice"]) if segmentation else "none"] if segments else []),
        *chosen,
        f"{temperature:.3f}",
        f"{fold.run.record.epoch_kept} of {fold.run.record.epochs_trained}",
    ]


def _masks(result: CrossValidation) -> Section:
    assert result.pooled.segmentation is not None
    return Section(
        "Segmentation",
        segmentation_blocks(result.pooled.segmentation),
        "Agreement of predicted and reference masks. The reports of the folds show images.",
    )


def _evidence(result: CrossValidation) -> Section:
    facts, first = result.pooled.facts, result.folds[0].run.record
    plan, folds = facts.split, f"{len(result.folds)} folds"
    body = key_values(
        [
            ("Model", f"{facts.model}, recipe {facts.recipe}"),
            ("Initial weights", facts.pretrained),
            ("Split", f"by {plan.level}, seed {plan.seed}, {folds}" if plan else folds),
            ("Training seed", facts.training_seed),
            ("Trained on", first.device),
            ("Data fingerprint", facts.data_fingerprint),
        ]
    )
    body += tuple(Note("info", text) for text in facts.notes)
    return Section("Data and training", body, "What was trained on which data, and how the data was split.")
