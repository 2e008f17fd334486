"""Evaluation -> the sections of its page: it reads results, and decodes only the images that it shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tumorlens.evaluation.analyses import registry
from tumorlens.evaluation.evaluation_charts import (
    calibration_chart,
    confusion_chart,
    precision_recall_chart,
    roc_chart,
)
from tumorlens.evaluation.evaluation_result import Evaluation, TemperatureScaling, most_confident_errors
from tumorlens.evaluation.inference_result import gray_slice
from tumorlens.evaluation.page.consistency import ShownMasks, island_text
from tumorlens.evaluation.page.predictions_section import not_measured_texts, source_section
from tumorlens.evaluation.page.segmentation_section import segmentation_section
from tumorlens.metrics.detection import TumorDetection
from tumorlens.metrics.names import METRICS
from tumorlens.report import (
    Blocks,
    CaptionedImage,
    Note,
    PageFooter,
    Section,
    Tile,
    columns,
    contact_sheet,
    figure,
    key_values,
    overlay,
    paragraph,
    render_page,
    side_by_side,
    table,
    tiles,
)
from tumorlens.report.heat import beside_head_note, beside_head_text, heat, share_beside_head
from tumorlens.report.plots import EpochSeries, IntervalChart, IntervalRow, TrainingCurves
from tumorlens.report.text import percentage
from tumorlens.scan.input_geometry import InputGeometry
from tumorlens.stats import Estimate

if TYPE_CHECKING:
    from tumorlens.training import Run

ERRORS_SHOWN = 12
SUBSET_TITLES = {
    "test": "Test subset",
    "val": "Validation subset",
    "train": "Train subset",
    "all": "External data, all of it",
    "all folds": "All folds, each predicted by the network that had not seen it",
}
_HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc")


def evaluation_page(run: Run | None, evaluation: Evaluation, record: Mapping[str, Any] | None = None) -> str:
    """The whole page as HTML.

    Args:
        run: that was evaluated; None for predictions of another tool.
        evaluation: its results.
        record: facts of the run record, for the small print.
    """
    facts = evaluation.facts
    return render_page(
        f"Evaluation of {facts.run}",
        f"{facts.model} on {facts.data}: {_subset_title(evaluation).lower()}",
        evaluation_sections(run, evaluation),
        PageFooter.of(
            record,
            f"95 % intervals: bootstrap of {facts.evidence}; {facts.n_resamples} resamples, seed {facts.seed}.",
            *([f"Split {facts.split_hash[:16]}."] if facts.split_hash else []),
            seed=facts.seed,
            data_fingerprint=facts.data_fingerprint,
        ),
    )


def evaluation_sections(run: Run | None, evaluation: Evaluation) -> list[Section]:
    """The sections of the page, for use in a larger one."""
    segmentation, given = evaluation.segmentation, evaluation.given
    classified = given != "masks"
    return [
        summary_section(evaluation),
        source_section(evaluation.facts) if run is None else _evidence_section(run, evaluation),
        *([class_section(evaluation)] if classified else []),
        *([segmentation_section(evaluation, segmentation)] if segmentation else []),
        *analysis_sections(evaluation),
        *([calibration_section(evaluation)] if given == "probabilities" else []),
        *([error_section(run.spec.input_geometry if run else None, evaluation)] if classified else []),
        *([_training_section(run)] if run else []),
    ]


def _subset_title(evaluation: Evaluation) -> str:
    facts = evaluation.facts
    return "All images of the data" if facts.external is None else SUBSET_TITLES[facts.subset]


def analysis_sections(evaluation: Evaluation) -> list[Section]:
    """One section for each analysis that was made."""
    known = registry()
    return [known[name].section(result, evaluation.samples) for name, result in evaluation.analyses.items()]


def summary_section(evaluation: Evaluation) -> Section:
    """The headline metrics and the caveats."""
    overall, facts = evaluation.metrics.overall, evaluation.facts
    blocks = detection_blocks(evaluation.detection) if evaluation.detection else ()
    blocks += tiles(_tile(name, overall[name]) for name in _HEADLINES if name in overall)
    if segmentation := evaluation.segmentation:
        blocks += tiles(_tile(name, segmentation.overall[name]) for name in ("dice", "iou"))
    leaks = evaluation.analyses["leakage"].caveats if "leakage" in evaluation.analyses else ()
    blocks += tuple(Note("danger" if text in leaks else "warning", text) for text in evaluation.caveats)
    blocks += tuple(Note("info", text) for text in not_measured_texts(evaluation.not_measured))
    lead = f"{_subset_title(evaluation)}: {facts.evidence}. Every metric with its 95 % interval."
    return Section("Summary", blocks, lead)


def detection_blocks(detection: TumorDetection) -> Blocks:
    """Whether there is a tumor at all: the question that comes before its kind."""
    found = detection.estimates
    sensitivity, specificity = found["sensitivity"], found["specificity"]
    shown = [
        Tile("Sensitivity, any tumor", sensitivity, hint=_wrong(sensitivity, "with a tumor", "missed")),
        Tile("Specificity, any tumor", specificity, hint=_wrong(specificity, "without one", "called tumor")),
    ]
    if detection.prevalence is None:
        text = "Predictive values depend on how common tumors are: tumorlens evaluate --prevalence 0.05 adds them."
        return tiles(shown) + paragraph(text)
    at = f"at a prevalence of {percentage(detection.prevalence, None)}"
    shown += [
        Tile("Positive predictive value", found["ppv"], hint=f"tumors among images called tumor, {at}"),
        Tile("Negative predictive value", found["npv"], hint=f"no tumor among all other images, {at}"),
    ]
    text = (
        f"Predictive values hold {at}, which was given with --prevalence. It is not measured: among these images "
        f"{sensitivity.n:,} of {sensitivity.n + specificity.n:,} show a tumor."
    )
    return tiles(shown) + paragraph(text)


def _wrong(rate: Estimate, which: str, how: str) -> str:
    """Images of one kind, their patients, and how many of them are wrong."""
    wrong = "" if math.isnan(rate.value) else f"; {round(rate.n * (1 - rate.value)):,} {how}"
    images, _, patients = rate.evidence.partition(", ")
    return f"{images} {which}, {patients}{wrong}"


def _tile(name: str, estimate: Estimate) -> Tile:
    metric = METRICS[name]
    return Tile(metric.title[0].upper() + metric.title[1:], estimate, percent=metric.percent)


def _evidence_section(run: Run, evaluation: Evaluation) -> Section:
    facts, record = evaluation.facts, run.record
    plan = facts.split
    how = f"by {plan.level}, seed {plan.seed}" if plan else "unknown"
    if plan and plan.folds:
        how += f", fold {plan.fold} of {plan.folds} held out"
    elif plan:
        how += ", train and test as given"
    counts: list[list[object]] = [
        [name, size.images, size.patients or "unknown"] for name, size in record.counts.items()
    ]
    if facts.external:
        counts.append([f"external: {facts.data}", facts.images, facts.patients or "unknown"])
    blocks = key_values(
        [
            ("Model", f"{facts.model}, recipe {facts.recipe}"),
            ("First weights", facts.pretrained),
            ("Split", how),
            ("Epoch kept", f"{record.epoch_kept} of {record.epochs_trained} trained"),
            ("Training seed", facts.training_seed),
            ("Split hash", facts.split_hash),
            ("Data fingerprint", facts.data_fingerprint),
        ]
    ) + table(["subset", "images", "patients"], counts, "lrr", reading="subset_counts")
    blocks += tuple(Note("info", text) for text in facts.notes)
    return Section("Data and training", blocks, "What was trained on which data, and how the data was split.")


def class_section(evaluation: Evaluation) -> Section:
    """Metrics of each class, confusion matrix, ROC and precision-recall curves."""
    metrics = evaluation.metrics
    names, scored = ("sensitivity", "specificity", "precision"), evaluation.given == "probabilities"
    rows = [
        [
            label,
            metrics.support[label],
            *(metrics.per_class[label][name].percent() for name in names),
            *([str(metrics.per_class[label]["auroc"])] if scored else []),
        ]
        for label in metrics.classes
    ]
    forest = [
        row
        for label in metrics.classes
        for row in (
            IntervalRow(label, None),
            *(IntervalRow(name, metrics.per_class[label][name]) for name in ("sensitivity", "specificity")),
        )
    ]
    headers = ["class", "images", *names, *([METRICS["auroc"].title] if scored else [])]
    blocks = table(headers, rows, "l" + "r" * (len(headers) - 1), reading="class_metrics")
    blocks += columns(
        figure(
            confusion_chart(evaluation),
            "Confusion matrix. Rows: reference; columns: prediction.",
            reading="confusion_matrix",
        ),
        figure(
            IntervalChart(forest),
            "Sensitivity and specificity of each class with 95 % intervals.",
            reading="class_intervals",
        ),
    )
    lead = "Which classes are recognized, and which are taken for which other."
    if not scored:
        return Section("Classes", blocks, lead)
    blocks += columns(
        figure(roc_chart(evaluation), "ROC curves: each class against the rest.", reading="roc"),
        figure(
            precision_recall_chart(evaluation),
            "Precision-recall curves: each class against the rest. Chance: the prevalence.",
            reading="precision_recall",
        ),
    )
    return Section("Classes", blocks, lead)


def calibration_section(evaluation: Evaluation, lead: str = "") -> Section:
    """Reliability before and after temperature scaling; the lead gives the temperature, unless another one is given."""
    stages = (("before", evaluation.before), ("after", evaluation.metrics))
    rows = [
        [name, str(metrics.overall["ece"]), str(metrics.overall["brier"]), loss]
        for (name, metrics), loss in zip(stages, evaluation.nll, strict=True)
    ]
    caption = "Calibration curves: accuracy by confidence, before and after temperature scaling."
    blocks = figure(calibration_chart(evaluation), caption, reading="calibration_curve")
    headers = ["temperature scaling", METRICS["ece"].title, METRICS["brier"].title, "log loss"]
    blocks += table(headers, rows, "lrrr", reading="calibration")
    return Section("Calibration", blocks, lead or _temperature(evaluation.calibration))


def _temperature(scaling: TemperatureScaling) -> str:
    if scaling.reason and not scaling.images and "another tool" in scaling.reason:
        return "The probabilities are measured as they are, so that before and after are equal."
    if scaling.reason:
        return f"Temperature 1: {scaling.reason}."
    patients = f" of {scaling.units} patients" if scaling.units < scaling.images else ""
    return (
        f"Temperature {scaling.temperature:.3f}, fitted on {scaling.images} validation images{patients}. "
        "Above 1, the network was overconfident."
    )


def error_section(input_geometry: InputGeometry | None, evaluation: Evaluation) -> Section:
    """The misclassified images with the highest confidence, with their class activation maps."""
    wrong = int(len(evaluation.samples) - np.trace(evaluation.metrics.confusion_matrix))
    if not wrong:
        return Section("Errors", paragraph("No image is misclassified."))
    shown = [_error(input_geometry, evaluation, i) for i in most_confident_errors(evaluation, ERRORS_SHOWN)]
    which = "those with the highest confidence" if evaluation.given == "probabilities" else f"the first {len(shown)}"
    lead = f"{wrong} of {len(evaluation.samples)} images are misclassified; {which} are shown."
    blocks = beside_head_note([share for _, share in shown])
    maps = any(len(cam) for cam in evaluation.cams)
    blocks += contact_sheet((image for image, _ in shown), 640 if maps else 384, wide=maps, reading="errors")
    return Section("Errors", blocks, lead)


def _error(
    input_geometry: InputGeometry | None, evaluation: Evaluation, position: int
) -> tuple[CaptionedImage, float | None]:
    """An image with its map, and the share of the map beside the head; None without a map."""
    sample, row = evaluation.samples[position], evaluation.probabilities[position]
    predicted, classes = int(row.argmax()), evaluation.metrics.classes
    gray, share = gray_slice(sample.image), None
    masks = ShownMasks(evaluation) if evaluation.masks else None
    mask, islands = masks.mask(position) if masks else (None, 0)
    image = overlay(gray, mask=mask)
    cam = evaluation.cams[position]
    if len(cam) and input_geometry:
        height, width = gray.shape
        crop_window = input_geometry.crop_window(height, width, evaluation.boxes[position])
        heatmap = heat(cam[predicted], crop_window)
        share = share_beside_head(gray, heatmap)
        image = side_by_side([image, overlay(gray, heatmap)])

    def share_of(index: int) -> str:
        return f" ({percentage(row[index])})" if evaluation.given == "probabilities" else ""

    lines = (
        sample.id,
        f"reference {sample.label}{share_of(classes.index(sample.label))}, "
        f"predicted {classes[predicted]}{share_of(predicted)}",
        beside_head_text(share),
        masks.disagreement(position) if masks else "",
        island_text(islands),
    )
    alt = f"{sample.id}: {sample.label} predicted as {classes[predicted]}"
    return CaptionedImage(image, "\n".join(filter(None, lines)), alt, "wrong"), share


def _training_section(run: Run) -> Section:
    from tumorlens.training.loop.epoch_log import read_history

    rows = read_history(run.folder / "history.csv")
    if not rows:
        return Section("Training", paragraph("The run has no history.csv."))

    def series(key: str) -> list[float]:
        return [float(row[key]) if row[key] else float("nan") for row in rows]

    scores = {"val_accuracy": "validation accuracy", "val_dice": "validation Dice"}
    chart = TrainingCurves(
        [EpochSeries("train loss", series("train_loss")), EpochSeries("validation loss", series("val_loss"))],
        [EpochSeries(name, series(key)) for key, name in scores.items() if key in rows[0]],
        best=run.record.epoch_kept,
    )
    lead = f"Loss and validation metrics of {len(rows)} epochs."
    return Section(
        "Training",
        figure(
            chart,
            "Training curves. The marked epoch was kept.",
            reading="training_curves",
        ),
        lead,
    )
