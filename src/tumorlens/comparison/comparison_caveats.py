"""What a reader must know before quoting the difference between two runs."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.comparison.paired_segmentation import draw_both, same_masks
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.datasets.table import DUPLICATES_PREFIX
from tumorlens.evaluation.caveats import CHOSEN_ON, FEW
from tumorlens.evaluation.stored_evaluation import Measured
from tumorlens.stats import Estimate
from tumorlens.training import Run
from tumorlens.training.run import SPLIT

CLUSTERED = (
    "McNemar's test takes every image for independent. Images of one patient are not, so its p is too small; "
    "the interval, over patients, is what counts."
)
ONE_TRAINING = (
    "Each run is one training. The interval covers the choice of patients, not the luck of training: repeat with other "
    "seeds before a difference between methods is claimed."
)


def resampled(one: Measured, two: Measured, both: Sequence[str]) -> tuple[list[str], str]:
    """The unit of every compared image and what a unit is; of two groupings, the coarser."""
    groupings = [[of.answers[name].unit for name in both] for of in (one, two)]
    units = min(groupings, key=lambda grouping: len(set(grouping)))
    known = sum(unit != name and not unit.startswith(DUPLICATES_PREFIX) for unit, name in zip(units, both, strict=True))
    return units, "patient" if known == len(both) else "patient or image" if known else "image"


def caveats(
    runs: tuple[Run, Run], measured: tuple[Measured, Measured], both: Sequence[str], difference: Estimate
) -> tuple[str, ...]:
    """The cautions of a comparison, each one to three sentences.

    Args:
        runs: the two.
        measured: their evaluations.
        both: ids of the images that were compared.
        difference: of their accuracies.
    """
    found = [
        *(_seen(runs[i], measured[i], runs[1 - i], measured[1 - i], both) for i in (0, 1)),
        *(_leak(run, of) for run, of in zip(runs, measured, strict=True)),
        CHOSEN_ON if any(of.facts["part"] == "val" for of in measured) else "",
        _left_out(measured, both),
        _split(measured),
        _data(measured),
        _classes(runs),
        _masks(measured, both),
        _few(difference),
        CLUSTERED if difference.units < difference.n else "",
        ONE_TRAINING,
    ]
    return tuple(sentence for sentence in found if sentence)


def _seen(run: Run, own: Measured, other: Run, its: Measured, both: Sequence[str]) -> str:
    """Whether a run was fitted on images or patients that the other one was tested on."""
    rows = [row for _, row in read_rows(run.folder / SPLIT, ("id", "group", "split"))]
    fitted = [row for row in rows if row["split"] in ("train", "val")]
    ids, groups = {row["id"] for row in fitted}, {row["group"] for row in fitted if row["group"]}
    images = sum(name in ids for name in its.answers)
    compared = sum(name in ids or own.answers[name].unit in groups or its.answers[name].unit in groups for name in both)
    sentences = []
    if compared:
        sentences.append(
            f"{run.folder.name} was trained or validated on {compared:,} of the {len(both):,} compared images or on "
            "their patients, so it comes out too well."
        )
    if images:
        sentences.append(
            f"{images:,} of the {len(its.answers):,} images that {other.folder.name} was tested on were in the "
            f"training or validation part of {run.folder.name}" + ("." if compared else "; they are not compared.")
        )
    return " ".join(sentences)


def _leak(run: Run, measured: Measured) -> str:
    leak = measured.facts.get("leak")
    if not leak:
        return ""
    return (
        f"{run.folder.name}: {leak['with_a_copy_in_train']:,} of its {leak['images']:,} test images have a copy in "
        f"its training part, and {leak['with_their_patient_in_train']:,} show a patient who is in it."
    )


def _left_out(measured: tuple[Measured, Measured], both: Sequence[str]) -> str:
    sizes = [len(of.answers) for of in measured]
    if sizes == [len(both), len(both)]:
        return ""
    return (
        f"The runs were tested on different images, {sizes[0]:,} and {sizes[1]:,}; compared are the {len(both):,} "
        "that are common to both. They are no random choice of either."
    )


def _split(measured: tuple[Measured, Measured]) -> str:
    hashes = [of.facts["split_hash"] for of in measured]
    if hashes[0] == hashes[1]:
        return ""
    return (
        f"The runs were trained on different splits (hash {hashes[0][:8]} and {hashes[1][:8]}): a difference may come "
        "from the images they were trained on."
    )


def _data(measured: tuple[Measured, Measured]) -> str:
    prints = [of.facts["data_fingerprint"] for of in measured]
    if prints[0] == prints[1]:
        return ""
    return (
        f"The data differ (fingerprint {prints[0][:8]} and {prints[1][:8]}); images were taken for the same where "
        "their ids and labels are."
    )


def _classes(runs: tuple[Run, Run]) -> str:
    known = [run.spec.classes for run in runs]
    if set(known[0]) == set(known[1]):
        return ""
    first, second = (f"{run.folder.name} tells {', '.join(run.spec.classes)} apart" for run in runs)
    return f"{first}; {second}. With fewer classes it is easier to be right."


def _masks(measured: tuple[Measured, Measured], both: Sequence[str]) -> str:
    if not draw_both(*measured, both):
        return ""
    if not same_masks(*measured, both):
        return (
            "Both runs draw, but the true masks of these images were not the same in the two evaluations, so what "
            "was drawn is not compared; evaluate both on one set: tumorlens evaluate RUN --data DATA."
        )
    drawn = measured[0].facts["segmentation"]
    if 2 * drawn["rectangles"] <= drawn["masks"] - drawn["empty"]:
        return ""
    return "Most true masks are filled rectangles: Dice says which run finds boxes better, and nothing about outlines."


def _few(difference: Estimate) -> str:
    if difference.unit == "image":
        return (
            "No patient ids are known. The interval treats images, with their copies, as independent; where patients "
            "recur it is too narrow."
        )
    if difference.units >= FEW:
        return ""
    return (
        f"Only {difference.units} test patients, fewer than {FEW}: bootstrap intervals this small come out somewhat "
        "too narrow."
    )
