"""Cross-validation -> one self-contained HTML page, beside those of its folds."""

from __future__ import annotations

from collections.abc import Container

from tumorlens.evaluation.report.evaluation_page import (
    analysis_sections,
    calibration_section,
    class_section,
    error_section,
    summary_section,
)
from tumorlens.evaluation.report.segmentation_section import segmentation_blocks
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold
from tumorlens.report import Note, Section, figure, key_values, paragraph, render_page, table
from tumorlens.report.plots import IntervalChart, IntervalRow

_VALIDATION = {"val_accuracy": ("validation accuracy", "{:.1%}"), "val_dice": ("validation Dice", "{:.3f}")}


def cross_validation_page(found: CrossValidation) -> str:
    """The whole page."""
    pooled, facts = found.pooled, found.pooled.facts
    each = ", ".join(f"{temperature:.3f}" for temperature in found.temperatures)
    lead = (
        f"The temperature of each fold was fitted on the images of all others: {each}. One that fits all of them, "
        f"for a network trained on all, is {pooled.calibration.temperature:.3f}."
    )
    return render_page(
        f"Cross-validation of {facts.recipe}",
        f"{facts.model} on {facts.data}: {len(found.folds)} folds",
        [
            summary_section(pooled),
            _folds(found),
            class_section(pooled),
            *([_masks(found)] if pooled.segmentation else []),
            *analysis_sections(pooled),
            calibration_section(pooled, lead),
            error_section(found.folds[0].run.spec.input_geometry, pooled),
            _evidence(found),
        ],
        footer=(
            f"95 % intervals: bootstrap of {facts.evidence}; {facts.n_resamples} resamples, seed {facts.seed}.",
            f"Splits {facts.split_hash[:16]}, data {facts.data_fingerprint}.",
        ),
    )


def _folds(found: CrossValidation) -> Section:
    segments = found.pooled.segmentation is not None
    chosen = [name for key, (name, _) in _VALIDATION.items() if key in found.validation]
    heads = [
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
        heads,
        [_row(*pair, segments, found.validation) for pair in zip(found.folds, found.temperatures, strict=True)],
        "l" + "r" * (len(heads) - 1),
    )
    overall = found.pooled.metrics.overall["accuracy"]
    rows = [IntervalRow(fold.folder, fold.evaluation.metrics.overall["accuracy"]) for fold in found.folds]
    body += figure(
        IntervalChart([*rows, IntervalRow("all", overall)]), "Accuracy of each fold and of all, 95 % intervals."
    )
    if chosen:
        values = ", ".join(
            f"{name} {form.format(found.validation[key])}"
            for key, (name, form) in _VALIDATION.items()
            if key in found.validation
        )
        body += paragraph(
            f"Over all folds: {values}, every image with the same weight. Choose between recipes by these, and quote the "
            "others: what is chosen by the folds held out reads too high on them."
        )
    body += paragraph(
        "The report of each fold, with images and analyses: "
        + ", ".join(f"{fold.folder}/evaluations/test/report.html" for fold in found.folds)
        + "."
    )
    return Section("Folds", body, "Folds differ by their patients and by the random numbers of their training.")


def _row(fold: Fold, temperature: float, segments: bool, validation: Container[str]) -> list[object]:
    kept = fold.run.record.validation
    chosen = [form.format(kept[key]) for key, (_, form) in _VALIDATION.items() if key in validation]
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


def _masks(found: CrossValidation) -> Section:
    assert found.pooled.segmentation is not None
    return Section(
        "Segmentation",
        segmentation_blocks(found.pooled.segmentation),
        "Does the predicted mask cover the tumor, and nothing else? Images are in the reports of the folds.",
    )


def _evidence(found: CrossValidation) -> Section:
    facts, first = found.pooled.facts, found.folds[0].run.record
    plan = facts.split
    body = key_values(
        [
            ("Model", f"{facts.model}, recipe {facts.recipe}"),
            ("First weights", facts.pretrained),
            (
                "Split",
                f"by {plan.by}, seed {plan.seed}, {len(found.folds)} folds" if plan else f"{len(found.folds)} folds",
            ),
            ("Training seed", facts.training_seed),
            ("Trained on", first.device),
            ("Data fingerprint", facts.data_fingerprint),
        ]
    )
    body += tuple(Note("info", text) for text in facts.notes)
    return Section("Data and training", body)
