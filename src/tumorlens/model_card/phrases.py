"""card -> the phrases of its page and of the reporting sheets. What a card does not know gives no phrase."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tumorlens.model_card.card import ModelCard
from tumorlens.report.text import MASK_FIGURES, evidence, with_interval
from tumorlens.stats import Estimate

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "macro_auroc": "macro AUROC",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "auroc": "AUROC",
    **MASK_FIGURES,
    "dice": "Dice of the tumor",
}
"""Names of figures, and how people call them; one that is not among them is called as it is."""
OLDER = "exported before cards held the settings, the figures of each class and the calibration; export the run again"

_SHARES = {"accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "sensitivity", "specificity", "precision", "f1"}


def is_older(card: ModelCard) -> bool:
    """Whether it was written before cards held all they hold now."""
    return "settings" not in card.training


def estimate(found: Mapping[str, Any]) -> Estimate:
    """A figure of the card as what it was."""
    value = found["value"]
    return Estimate(
        math.nan if value is None else value,
        found["low"],
        found["high"],
        found.get("n", 0),
        found.get("units", 0),
        found.get("unit", "image"),
        found.get("method", "none"),
    )


def figure(name: str, found: Mapping[str, Any]) -> str:
    """Value and interval, as ``"97.2 % (94.9 to 98.6)"``."""
    return with_interval(estimate(found), percent=name in _SHARES)


def figures(found: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, value with interval, and what it rests on, of each figure."""
    return [(TITLES.get(name, name), figure(name, one), evidence(estimate(one))) for name, one in found.items()]


def input_geometry(card: ModelCard) -> str:
    """How an image is laid on the square that the network sees."""
    laid, side = card.input_geometry, f"{card.input_geometry.size} x {card.input_geometry.size} pixels"
    what = "the box around the head" if laid.crop == "head" else "the whole image"
    if laid.mode == "resize":
        return f"{what}, stretched to {side}"
    if laid.mode == "center_crop":
        return f"{what}, its shorter side scaled to {laid.resize or laid.size} pixels and the center of {side} cut out"
    return f"{what}, scaled to fit {side}, with black bars where it is not square"


def intensities(card: ModelCard) -> str:
    """What becomes of gray values; empty where the card does not say."""
    known = card.training.get("network")
    if not known:
        return ""
    mean, std = (", ".join(f"{value:g}" for value in dict.fromkeys(known[key])) for key in ("mean", "std"))
    equal = ", in three equal channels" if known["channels"] == 3 else ""
    return f"8-bit gray values as 0 to 1, minus {mean}, divided by {std}{equal}"


def outputs(card: ModelCard) -> str:
    """What the file answers with."""
    found = [f"a probability for each of {len(card.classes)} classes"]
    found += ["a mask of the tumor"] if card.segments else []
    found += ["class activation maps"] if card.heatmap else []
    return ", ".join(found)


def split(card: ModelCard) -> str:
    """How images came into parts; empty where the card does not say."""
    plan = card.training.get("split")
    if not plan:
        return ""
    by = {"image": "by image, since no patient is known"}.get(plan["by"], f"by {plan['by']}")
    val = f", {100 * plan['val']:g} % of the rest for validation" if plan["val"] else ""
    if plan["source"] == "folds":
        held = f"fold {plan['fold']} (counted from 0) held out as test"
        return f"{by}, into {plan['folds']} folds stratified by class, {held}{val}; seed {plan['seed']}"
    if plan["source"] == "given":
        return f"train and test as the data set brings them{val}; {by}, seed {plan['seed']}"
    if plan["source"] == "whole":
        return f"nothing held out as test{val.replace('of the rest ', '')}; {by}, seed {plan['seed']}"
    return f"as a table brought it; {by}"


def parts(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each part and what is in it."""
    classes = card.training.get("classes", {})
    for part, count in card.training.get("counts", {}).items():
        each = "; ".join(f"{name} {counted(one)}" for name, one in classes.get(part, {}).items())
        yield part, counted(count) + (f" ({each})" if each else "")


def counted(count: Mapping[str, int]) -> str:
    """So many images of so many patients."""
    patients = f" of {_several(count['patients'], 'patient')}" if count["patients"] else ", patients unknown"
    return f"{_several(count['images'], 'image')}{patients}"


def datasets(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each data set and what is known of it."""
    for known in card.training.get("datasets", ()):
        said = f"{counted(known['used'])} used"
        if "license" in known:
            released = "" if known["images"] is None else f"; released were {known['images']:,} images"
            released += f" of {known['patients']:,} patient ids" if known["patients"] else ""
            told = (known["summary"], f"{said}{released}", known["license"], known["citation"], known["homepage"])
            said = "; ".join(one for one in told if one)
        yield known["name"], said


def settings(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each group of the recipe's values that had an effect, by the keys of the recipe."""
    known: dict[str, Any] = card.training.get("settings", {})
    plain = {key: value for key, value in known.items() if not isinstance(value, dict) and value is not None}
    if plain:
        yield "general", _values(plain)
    for group, values in known.items():
        if isinstance(values, dict) and group not in ("input", "options", "stop"):  # said by canvas, options, epoch
            said = _values(_used(card, group, values)) or "nothing else"
            yield group, f"cross-entropy, {said}" if group == "loss" else said


def options(card: ModelCard) -> str:
    """The options of the network; empty where it has none."""
    return _values(card.training.get("network", {}).get("options", {}))


def epoch(card: ModelCard) -> str:
    """Which epoch was kept, and why; empty where the card does not say."""
    stop, kept = card.training.get("settings", {}).get("stop"), card.training.get("epoch_kept")
    if not stop or kept is None:
        return ""
    rule = "the last epoch" if stop["keep"] == "last" else f"the epoch best by {stop.get('monitor', 'val_loss')}"
    seen = _values(card.training.get("validation", {}))
    said = f"{rule} was kept, {kept} of {card.training['epochs_trained']}"
    return f"{said}; on the validation part it had {seen}" if seen else said


def calibration(card: ModelCard) -> Iterator[str]:
    """What the temperature was fitted on, and what it changed."""
    found = card.calibration
    if found is None:
        return
    patients = card.training.get("counts", {}).get("val", {}).get("patients") == found.units
    units = _several(found.units, "patient") if patients else f"{found.units:,} patients or single images"
    on = f"{_several(found.images, 'validation image')}, {units}"
    where = "the test part"
    if card.folds:
        where = f"the {card.folds} folds, each with the temperature of the others"
        on = f"{_several(found.images, 'image')} held out in {card.folds} folds, {units}"
    yield f"temperature {card.temperature:.3f}, " + (f"not fitted: {found.reason}" if found.reason else f"from {on}")
    for name in found.before:
        before, after = (figure(name, one[name]) for one in (found.before, found.after))
        yield f"{TITLES[name]} on {where}: {before} without it, {after} with it"


def confusions(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Each class of the test part and what its images were named."""
    for name, row in zip(card.classes, card.confusion_matrix, strict=False):
        if sum(row):
            wrong = [f"{n:,} named {other}" for other, n in zip(card.classes, row, strict=True) if n and other != name]
            right = row[card.classes.index(name)]
            yield name, ", ".join([f"{right:,} of {sum(row):,} images right", *wrong])


def outside(card: ModelCard) -> str:
    """How images are flagged that the network was not made for; empty where they are not."""
    found = card.ood
    if found is None:
        return ""
    fitted, held = _several(found.fitted_on_images, "training image"), f"{found.validation_images:,} of validation"
    if found.threshold_scale is not None:
        held += f" and multiplied by {found.threshold_scale:.3f}, as the folds held out ask for"
    said = (
        f"by {found.method}, from {fitted}; the limit, from {held}, keeps {100 * found.validation_kept:.1f} % of those"
    )
    part = "the folds held out, by networks of the same recipe," if card.folds else "the test part"
    return f"{said}; of {part} {_percent(found.flagged)} are flagged" if found.flagged else said


def prediction_sets(card: ModelCard) -> str:
    """How answers are withheld that are unsure; empty where that cannot be asked for."""
    if card.prediction_sets is None:
        return ""
    units = {"patient": "patients", "image": "images"}.get(card.prediction_sets.unit, "patients or single images")
    held = ", ".join(f"{name} {tail.units}" for name, tail in card.prediction_sets.quantiles.items())
    source = f"{card.folds} folds held out" if card.folds else "validation"
    return f"on request, by the coverage that is asked for of each class; thresholds from {source}, {units}: {held}"


def _used(card: ModelCard, group: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a group without those that the others make void."""
    void: set[str] = set()
    if group == "optimizer" and values.get("name") != "sgd":
        void = {"momentum"}
    elif group == "schedule" and values.get("name") != "plateau":
        void = {"factor", "patience"}
    elif group == "loss" and not card.segments:
        void = {"mask", "classification", "auxiliary", "dice", "focal", "focal_alpha", "focal_gamma"}
    return {key: value for key, value in values.items() if key not in void and value not in (None, 0, [1.0, 1.0])}


def _several(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _percent(found: Mapping[str, Any]) -> str:
    return with_interval(estimate(found), percent=True)


def _values(values: Mapping[str, Any]) -> str:
    said = ((key, _value(value)) for key, value in values.items())
    return ", ".join(text if key == "name" else f"{key} {text}" for key, text in said if text)


def _value(value: Any) -> str:
    """A value of JSON in words; empty for None."""
    if isinstance(value, (list, tuple)):
        return " to ".join(map(_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
