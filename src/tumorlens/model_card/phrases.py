"""card -> short texts for its page and for reporting checklists; empty for facts that the card does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from tumorlens.datasets.classes import HEALTHY
from tumorlens.datasets.data_records import SampleCount
from tumorlens.metrics.detection import TumorDetection
from tumorlens.metrics.names import METRICS, title
from tumorlens.model_card.card import ModelCard
from tumorlens.report.text import percentage, with_interval
from tumorlens.stats.estimate_record import EstimateRecord

OLDER = "exported before cards held settings, metrics per class and calibration; export the run again"

Settings = Mapping[str, JsonValue]


def is_older(card: ModelCard) -> bool:
    """Whether the card was written before cards held all they hold now."""
    return "settings" not in card.training.model_fields_set


def estimate_text(name: str, record: EstimateRecord) -> str:
    """Value and interval of a metric, as ``"97.2 % (94.9 to 98.6)"``."""
    return with_interval(record.estimate, percent=name in METRICS and METRICS[name].percent)


def metric_rows(metrics: Mapping[str, EstimateRecord]) -> list[tuple[str, str, str]]:
    """Title, value with interval, and sample of each metric."""
    return [(title(name), estimate_text(name, one), one.estimate.evidence) for name, one in metrics.items()]


def detection_rows(card: ModelCard) -> list[tuple[str, str, str]]:
    """Whether there is a tumor at all: title, value with interval, and sample, with the prevalence where it counts."""
    known = card.detection or _detection_of(card)
    if known is None:
        return []
    at = "" if known.prevalence is None else f" at a prevalence of {percentage(known.prevalence, None)}"
    titles = {name: f"{title(name)}{at if name in ('ppv', 'npv') else ''}" for name in known.estimates}
    return [(titles[name], with_interval(one, percent=True), one.evidence) for name, one in known.estimates.items()]


def _detection_of(card: ModelCard) -> TumorDetection | None:
    """From the metrics of the only class without tumor, whose specificity is the sensitivity for any tumor."""
    healthy = [metrics for name, metrics in card.per_class.items() if name in HEALTHY]
    if len(healthy) != 1 or not {"sensitivity", "specificity"} <= set(healthy[0]) or len(card.per_class) < 2:
        return None
    return TumorDetection(sensitivity=healthy[0]["specificity"], specificity=healthy[0]["sensitivity"])


def input_geometry(card: ModelCard) -> str:
    """How an image is laid on the square input."""
    geometry, side = card.input_geometry, f"{card.input_geometry.size} x {card.input_geometry.size} pixels"
    region = "the bounding box of the head" if geometry.crop == "head" else "the whole image"
    if geometry.mode == "resize":
        return f"{region}, resized to {side}"
    if geometry.mode == "center_crop":
        return f"{region}, its shorter side resized to {geometry.resize or geometry.size} pixels, center crop of {side}"
    return f"{region}, resized to fit {side}, padded with black where it is not square"


def intensities(card: ModelCard) -> str:
    """Preprocessing of gray values."""
    network = card.training.network
    if network is None:
        return ""
    mean, std = (", ".join(f"{value:g}" for value in dict.fromkeys(values)) for values in (network.mean, network.std))
    equal = ", in three equal channels" if network.channels == 3 else ""
    return f"8-bit gray values scaled to 0 to 1, minus {mean}, divided by {std}{equal}"


def outputs(card: ModelCard) -> str:
    """Outputs of the model file."""
    listed = [f"probabilities of {len(card.classes)} classes"]
    listed += ["tumor mask"] if card.segments else []
    listed += ["class activation maps"] if card.heatmap else []
    listed += ["OOD score"] if card.ood else []
    return ", ".join(listed)


def split(card: ModelCard) -> str:
    """How the data was split."""
    plan = card.training.split
    if plan is None:
        return ""
    by = "by image, since no patient is known" if plan.by == "image" else f"by {plan.level}"
    val = f", {percentage(plan.val, None)} of the rest for validation" if plan.val else ""
    if plan.source == "folds":
        test = f"fold {plan.fold} (counted from 0) held out as test"
        return f"{by}, into {plan.folds} folds stratified by class, {test}{val}; seed {plan.seed}"
    if plan.source == "given":
        return f"train and test as the data set gives them{val}; {by}, seed {plan.seed}"
    if plan.source == "whole":
        return f"no test subset{val.replace('of the rest ', '')}; {by}, seed {plan.seed}"
    return f"as given in a table; {by}"


def subsets(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each subset, and its images and patients by class."""
    for subset, count in card.training.counts.items():
        classes = card.training.classes.get(subset, {})
        each = "; ".join(f"{name} {count_text(one)}" for name, one in classes.items())
        yield subset, count_text(count) + (f" ({each})" if each else "")


def count_text(count: SampleCount) -> str:
    """Images and patients, as ``"8 images of 4 patients"``."""
    patients = f" of {_plural(count.patients, 'patient')}" if count.patients else ", patients unknown"
    return f"{_plural(count.images, 'image')}{patients}"


def datasets(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each data set and the facts about it."""
    for dataset in card.training.datasets:
        text = f"{count_text(dataset.used)} used"
        if dataset.license is not None:
            released = "" if dataset.images is None else f"; released: {dataset.images:,} images"
            released += f" of {dataset.patients:,} patient ids" if dataset.patients else ""
            parts = (dataset.summary, f"{text}{released}", dataset.license, dataset.citation, dataset.homepage)
            text = "; ".join(part for part in parts if part)
        yield dataset.name, text


def settings(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each group of recipe values that had an effect, under the keys of the recipe."""
    known = card.training.settings
    general = {key: value for key, value in known.items() if not isinstance(value, dict) and value is not None}
    if general:
        yield "general", _values(general)
    for group, values in known.items():
        if isinstance(values, dict) and group not in (
            "input",
            "options",
            "stop",
        ):  # `input_geometry`, `options`, `epoch`
            text = _values(_effective(card, group, values)) or "nothing else"
            yield group, f"cross-entropy, {text}" if group == "loss" else text


def settings_group(card: ModelCard, group: str) -> Settings:
    """One group of recipe values; empty where the card does not hold it."""
    values = card.training.settings.get(group)
    return values if isinstance(values, dict) else {}


def options(card: ModelCard) -> str:
    """Options of the architecture."""
    return _values(card.training.network.options) if card.training.network else ""


def epoch(card: ModelCard) -> str:
    """Which epoch was kept, and by which rule."""
    stop, kept = settings_group(card, "stop"), card.training.epoch_kept
    if not stop or kept is None:
        return ""
    last = stop["keep"] == "last"
    rule = "the last epoch" if last else f"the epoch with the best {stop.get('monitor', 'val_loss')}"
    text = f"{rule} was kept, {kept} of {card.training.epochs_trained}"
    validation = _values(card.training.validation)
    return f"{text}; validation subset: {validation}" if validation else text


def calibration(card: ModelCard) -> Iterator[str]:
    """The temperature, what it was fitted on, and the calibration without and with it."""
    summary = card.calibration
    if summary is None:
        return
    val = card.training.counts.get("val")
    only_patients = val is not None and val.patients == summary.units
    units = _plural(summary.units, "patient") if only_patients else f"{summary.units:,} patients or single images"
    fitted_on, subset = f"{_plural(summary.images, 'validation image')}, {units}", "the test subset"
    if card.folds:
        fitted_on = f"{_plural(summary.images, 'held-out image')} of {card.folds} folds, {units}"
        subset = f"the {card.folds} folds, each with the temperature of the others"
    source = f"not fitted: {summary.reason}" if summary.reason else f"fitted on {fitted_on}"
    yield f"temperature {card.temperature:.3f}, {source}"
    for name in summary.before:
        before, after = (estimate_text(name, estimates[name]) for estimates in (summary.before, summary.after))
        yield f"{title(name)} on {subset}: {before} without temperature scaling, {after} with it"


def confusion_rows(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each class of the test subset, and how its images were classified."""
    for name, row in zip(card.classes, card.confusion_matrix, strict=False):
        if sum(row):
            predicted = zip(card.classes, row, strict=True)
            wrong = [f"{n:,} predicted as {other}" for other, n in predicted if n and other != name]
            correct = row[card.classes.index(name)]
            yield name, ", ".join([f"{correct:,} of {sum(row):,} images correctly classified", *wrong])


def ood(card: ModelCard) -> str:
    """How out-of-distribution images are detected."""
    summary = card.ood
    if summary is None:
        return ""
    threshold = f"threshold fitted on {_plural(summary.validation_images, 'validation image')}"
    if summary.threshold_scale is not None:
        threshold += f" and scaled by {summary.threshold_scale:.3f}, fitted on the folds"
    text = (
        f"{summary.method}; fitted on {_plural(summary.fitted_on_images, 'training image')}; {threshold}; "
        f"{percentage(summary.validation_kept)} of the validation images are in-distribution"
    )
    if summary.flagged is None:
        return text
    subset = "the held-out images of the folds" if card.folds else "the test images"
    return f"{text}; {with_interval(summary.flagged.estimate, percent=True)} of {subset} are flagged"


def prediction_sets(card: ModelCard) -> str:
    """How conformal prediction sets are computed."""
    if card.prediction_sets is None:
        return ""
    units = {"patient": "patients", "image": "images"}.get(card.prediction_sets.unit, "patients or single images")
    counts = ", ".join(f"{name} {each.units}" for name, each in card.prediction_sets.quantiles.items())
    source = f"the held-out images of {card.folds} folds" if card.folds else "the validation subset"
    return f"conformal prediction sets at a requested coverage per class; quantiles from {source}, {units}: {counts}"


def _effective(card: ModelCard, group: str, values: Settings) -> Settings:
    """The values of a group without those that have no effect beside the others."""
    without: set[str] = set()
    if group == "optimizer" and values.get("name") != "sgd":
        without = {"momentum"}
    elif group == "schedule" and values.get("name") != "plateau":
        without = {"factor", "patience"}
    elif group == "loss" and not card.segments:
        without = {"segmentation", "classification", "auxiliary", "dice", "focal", "focal_alpha", "focal_gamma"}
    return {key: value for key, value in values.items() if key not in without and value not in (None, 0, [1.0, 1.0])}


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _values(values: Settings | Mapping[str, float]) -> str:
    texts = ((key, _value(value)) for key, value in values.items())
    return ", ".join(text if key == "name" else f"{key} {text}" for key, text in texts if text)


def _value(value: JsonValue) -> str:
    """A JSON value as text; empty for None."""
    if isinstance(value, (list, tuple)):
        return " to ".join(map(_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
