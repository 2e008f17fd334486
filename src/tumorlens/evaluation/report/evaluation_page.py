"""Evaluation -> one self-contained HTML page a reviewer can judge."""

from __future__ import annotations

import numpy as np

from tumorlens.evaluation.analyses.region_occlusion.section import region_occlusion_section
from tumorlens.evaluation.analyses.robustness.section import robustness_section
from tumorlens.evaluation.analyses.selective.section import says_no_section
from tumorlens.evaluation.evaluation_result import Calibration as Fitted
from tumorlens.evaluation.evaluation_result import Evaluation, worst
from tumorlens.evaluation.inference import gray_slice
from tumorlens.evaluation.report.segmentation_section import mask_section
from tumorlens.metrics.calibration import softmax
from tumorlens.metrics.classification import reliability_bins, roc_points
from tumorlens.report import (
    CaptionedImage,
    Note,
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
from tumorlens.report.heat import heat
from tumorlens.report.plots import (
    ConfusionChart,
    EpochSeries,
    IntervalChart,
    IntervalRow,
    ReliabilityBin,
    ReliabilityChart,
    ReliabilityCurve,
    RocChart,
    RocCurve,
    TrainingCurves,
)
from tumorlens.scan.input_geometry import InputGeometry
from tumorlens.training import Run
from tumorlens.training.loop.epoch_log import read_history

MISTAKES = 12
PARTS = {
    "test": "Test part",
    "val": "Validation part",
    "train": "Training part",
    "all": "Data from elsewhere, all of it",
    "all folds": "All folds, each answered by the network that had not seen it",
}


def evaluation_page(run: Run, evaluation: Evaluation) -> str:
    """The whole page."""
    facts = evaluation.facts
    return render_page(
        f"Evaluation of {facts['run']}",
        f"{facts['model']} on {facts['data']}: {PARTS[facts['part']].lower()}",
        evaluation_sections(run, evaluation),
        footer=(
            f"95 % intervals: bootstrap of {facts['evidence']}; {facts['n_resamples']} resamples, seed {facts['seed']}.",
            f"Split {facts['split_hash'][:16]}, data {facts['data_fingerprint']}.",
        ),
    )


def evaluation_sections(run: Run, evaluation: Evaluation) -> list[Section]:
    """The sections of the page, for use in a larger one."""
    drawn, blanked, worse = evaluation.segmentation, evaluation.background, evaluation.robustness
    return [
        headline_section(evaluation),
        _evidence(run, evaluation),
        class_section(evaluation),
        *([mask_section(run, evaluation.samples, drawn)] if drawn else []),
        *([region_occlusion_section(evaluation.samples, blanked)] if blanked else []),
        *([robustness_section(evaluation.samples, worse)] if worse else []),
        calibration_section(evaluation),
        *_says_no(evaluation),
        mistake_section(run.spec.input_geometry, evaluation),
        _training(run),
    ]


def _says_no(evaluation: Evaluation) -> list[Section]:
    ood, abstention = evaluation.ood, evaluation.abstention
    return [says_no_section(evaluation.samples, ood, abstention)] if ood or abstention else []


def headline_section(evaluation: Evaluation) -> Section:
    """Accuracy and its like, Dice where the network draws, and the cautions."""
    overall = evaluation.metrics.overall
    facts = evaluation.facts
    body = tiles(
        [
            Tile("Accuracy", overall["accuracy"]),
            Tile("Balanced accuracy", overall["balanced_accuracy"]),
            Tile("Macro F1", overall["macro_f1"]),
            Tile("Macro AUROC", overall["macro_auroc"], percent=False),
        ]
    )
    if drawn := evaluation.segmentation:
        body += tiles(
            [
                Tile("Dice of the tumor", drawn.overall["dice"], percent=False),
                Tile("IoU of the tumor", drawn.overall["iou"], percent=False),
            ]
        )
    if apart := evaluation.separate:
        parts = (("known from train", apart.leaked, apart.leaked_masks), ("the others", apart.clean, apart.clean_masks))
        body += tiles(Tile(f"Accuracy, {name}", named.overall["accuracy"]) for name, named, _ in parts if named)
        if drawn:
            body += tiles(Tile(f"Dice, {name}", of.overall["dice"], percent=False) for name, _, of in parts if of)
    body += tuple(
        Note("danger" if evaluation.separate and text == evaluation.separate.caveat else "warning", text)
        for text in evaluation.caveats
    )
    lead = f"{PARTS[facts['part']]}: {facts['evidence']}. Every figure with its 95 % interval."
    return Section("How good it is", body, lead)


def _evidence(run: Run, evaluation: Evaluation) -> Section:
    facts, record = evaluation.facts, run.record
    plan = facts["split"] or {}
    how = f"by {plan.get('by', 'unknown')}, seed {plan.get('seed', 0)}"
    if plan.get("folds"):
        how += f", fold {plan['fold']} of {plan['folds']} held out"
    else:
        how += ", train and test as given"
    counts = [[part, row.images, row.patients or "unknown"] for part, row in record.counts.items()]
    if facts["foreign"]:
        counts.append([f"measured here: {facts['data']}", facts["images"], facts["patients"] or "unknown"])
    body = key_values(
        [
            ("Model", f"{facts['model']}, recipe {facts['recipe']}"),
            ("Weights began as", facts["pretrained"]),
            ("Split", how),
            ("Epoch kept", f"{record.epoch_kept} of {record.epochs_trained} trained"),
            ("Training seed", facts["training_seed"]),
            ("Split hash", facts["split_hash"]),
            ("Data fingerprint", facts["data_fingerprint"]),
        ]
    ) + table(["part", "images", "patients"], counts, "lrr")
    body += tuple(Note("info", text) for text in facts["notes"])
    return Section("What it was measured on", body)


def class_section(evaluation: Evaluation) -> Section:
    """Figures of each class, confusion matrix and curves."""
    metrics = evaluation.metrics
    names = ("sensitivity", "specificity", "precision")
    rows = [
        [
            label,
            metrics.support[label],
            *(metrics.per_class[label][n].percent() for n in names),
            str(metrics.per_class[label]["auroc"]),
        ]
        for label in metrics.classes
    ]
    truth = np.array([metrics.classes.index(s.label) for s in evaluation.samples])
    curves = []
    for i, label in enumerate(metrics.classes):
        false_positive, true_positive = roc_points(evaluation.probabilities[:, i], truth == i)
        if len(false_positive):
            curves.append(
                RocCurve(label, false_positive.tolist(), true_positive.tolist(), metrics.per_class[label]["auroc"])
            )
    forest = [
        row
        for label in metrics.classes
        for row in (
            IntervalRow(label, None),
            *(IntervalRow(n, metrics.per_class[label][n]) for n in ("sensitivity", "specificity")),
        )
    ]
    body = table(["class", "images", *names, "AUROC"], rows, "lrrrrr")
    body += columns(
        figure(ConfusionChart(metrics.confusion_matrix.tolist(), metrics.classes), "Rows: truth. Columns: prediction."),
        figure(RocChart(curves), "Each class against the rest."),
    )
    body += figure(IntervalChart(forest), "Sensitivity and specificity of each class, 95 % intervals.")
    return Section("Class by class", body)


def calibration_section(evaluation: Evaluation, lead: str = "") -> Section:
    """Reliability before and after; the lead says which temperature, unless another one is given."""
    truth = np.array([evaluation.metrics.classes.index(s.label) for s in evaluation.samples])
    from_network = softmax(evaluation.logits)
    charts = [
        ReliabilityCurve(
            name,
            tuple(
                ReliabilityBin(b.low, b.high, b.confidence, b.accuracy, b.count)
                for b in reliability_bins(probabilities, truth)
            ),
            metrics.overall["ece"],
        )
        for name, probabilities, metrics in (
            ("before", from_network, evaluation.before),
            ("after", evaluation.probabilities, evaluation.metrics),
        )
    ]
    rows = [
        [name, str(metrics.overall["ece"]), str(metrics.overall["brier"]), value]
        for name, metrics, value in zip(
            ("before", "after"), (evaluation.before, evaluation.metrics), evaluation.nll, strict=True
        )
    ]
    body = figure(
        ReliabilityChart(charts[0], charts[1]),
        "Confidence against accuracy, before and after temperature scaling.",
    )
    body += table(["temperature scaling", "calibration error (ECE)", "Brier score", "log loss"], rows, "lrrr")
    return Section("Can the probabilities be believed", body, lead or _temperature(evaluation.calibration))


def _temperature(calibration: Fitted) -> str:
    if calibration.reason:
        return f"Temperature 1: {calibration.reason}."
    patients = f" of {calibration.units} patients" if calibration.units < calibration.fitted_on else ""
    return (
        f"Temperature {calibration.temperature:.3f}, fitted on {calibration.fitted_on} validation images{patients}. "
        "Above 1, the network was too sure of itself."
    )


def mistake_section(input_geometry: InputGeometry, evaluation: Evaluation) -> Section:
    """The mistakes that the network was surest of, with its maps; the canvas is what those lie over."""
    wrong = int(len(evaluation.samples) - np.trace(evaluation.metrics.confusion_matrix))
    if not wrong:
        return Section("Mistakes", paragraph("None on this test set."))
    images = [_mistake(input_geometry, evaluation, i) for i in worst(evaluation, MISTAKES)]
    lead = f"{wrong} of {len(evaluation.samples)} images; shown are those the network was surest of."
    return Section("The worst mistakes", contact_sheet(images), lead)


def _mistake(input_geometry: InputGeometry, evaluation: Evaluation, position: int) -> CaptionedImage:
    sample = evaluation.samples[position]
    row = evaluation.probabilities[position]
    said = int(row.argmax())
    classes = evaluation.metrics.classes
    gray = gray_slice(sample.image)
    image = overlay(gray)
    cam = evaluation.cams[position]
    if len(cam):
        height, width = gray.shape
        crop_window = input_geometry.crop_window(height, width, evaluation.boxes[position])
        image = side_by_side([image, overlay(gray, heat(cam[said], crop_window))])
    truth = f"truth {sample.label} ({row[classes.index(sample.label)]:.0%})"
    caption = f"{sample.id}\n{truth}, said {classes[said]} ({row[said]:.0%})"
    return CaptionedImage(image, caption, f"{sample.id}: {sample.label} taken for {classes[said]}", "wrong")


def _training(run: Run) -> Section:
    rows = read_history(run.folder / "history.csv")
    if not rows:
        return Section("Training", paragraph("No history was kept."))

    def series(key: str) -> list[float]:
        return [float(row[key]) if row[key] else float("nan") for row in rows]

    scores = {"val_accuracy": "validation accuracy", "val_dice": "validation Dice"}
    chart = TrainingCurves(
        [EpochSeries("train loss", series("train_loss")), EpochSeries("validation loss", series("val_loss"))],
        [EpochSeries(name, series(key)) for key, name in scores.items() if key in rows[0]],
        best=run.record.epoch_kept,
    )
    return Section("Training", figure(chart, "The marked epoch is the one that was kept."))
