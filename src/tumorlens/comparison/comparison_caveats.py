"""Two stored evaluations -> caveats: the limitations of a comparison of these runs."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.comparison.paired_segmentation import both_segment, same_reference_masks
from tumorlens.datasets.formats.csv_rows import read_rows
from tumorlens.datasets.table import DUPLICATES_PREFIX
from tumorlens.evaluation.caveats import CHOSEN_ON, FEW
from tumorlens.evaluation.leaked_and_clean import LeakCounts
from tumorlens.evaluation.stored_evaluation import StoredEvaluation
from tumorlens.metrics.names import METRICS
from tumorlens.stats import Estimate
from tumorlens.training import Run
from tumorlens.training.run import SPLIT

CLUSTERED = (
    "McNemar's test assumes independent images. Images of one patient are not independent, so its p-value is too "
    "small; rely on the interval, which resamples patients."
)
ONE_TRAINING = (
    "Each run is one training. The interval covers the choice of patients, not the variance of training: repeat with "
    "other seeds before you claim a difference between methods."
)


def sampling_units(one: StoredEvaluation, two: StoredEvaluation, both: Sequence[str]) -> tuple[list[str], str]:
    """The sampling unit of every compared image, and the kind of unit; of two groupings, the coarser one."""
    groupings = [[evaluation.predictions[name].unit for name in both] for evaluation in (one, two)]
    units = min(groupings, key=lambda grouping: len(set(grouping)))
    patients = sum(
        unit != name and not unit.startswith(DUPLICATES_PREFIX) for unit, name in zip(units, both, strict=True)
    )
    return units, "patient" if patients == len(both) else "patient or image" if patients else "image"


def comparison_caveats(
    runs: tuple[Run, Run],
    evaluations: tuple[StoredEvaluation, StoredEvaluation],
    both: Sequence[str],
    difference: Estimate,
) -> tuple[str, ...]:
    """The caveats of a comparison, each one to three sentences.

    Args:
        runs: the two runs.
        evaluations: their stored evaluations.
        both: ids of the compared images.
        difference: of the accuracies.
    """
    sentences = [
        *(_trained_on_test_images(runs[i], evaluations[i], runs[1 - i], evaluations[1 - i], both) for i in (0, 1)),
        *(_leak(run, one) for run, one in zip(runs, evaluations, strict=True)),
        CHOSEN_ON if any(one.record.subset == "val" for one in evaluations) else "",
        _not_compared(evaluations, both),
        _different(
            [one.record.split_hash for one in evaluations],
            "The runs were trained on different splits (hash {} and {}): a difference may come from the training "
            "images.",
        ),
        _different(
            [one.record.data_fingerprint for one in evaluations],
            "The data differ (fingerprint {} and {}); images with the same id and label were taken as the same image.",
        ),
        _different_classes(runs),
        _masks(evaluations, both),
        _few_patients(difference),
        CLUSTERED if difference.units < difference.n else "",
        ONE_TRAINING,
    ]
    return tuple(sentence for sentence in sentences if sentence)


def _trained_on_test_images(
    run: Run, own: StoredEvaluation, other: Run, its: StoredEvaluation, both: Sequence[str]
) -> str:
    """A caveat where a run was fitted on images or patients of the other run's test set."""
    rows = [row for _, row in read_rows(run.folder / SPLIT, ("id", "group", "split"))]
    fitted = [row for row in rows if row["split"] in ("train", "val")]
    ids, groups = {row["id"] for row in fitted}, {row["group"] for row in fitted if row["group"]}
    images = sum(name in ids for name in its.predictions)
    compared = sum(
        name in ids or own.predictions[name].unit in groups or its.predictions[name].unit in groups for name in both
    )
    sentences = []
    if compared:
        sentences.append(
            f"{run.folder.name} was trained or validated on {compared:,} of the {len(both):,} compared images or on "
            "their patients, so its metrics are too high."
        )
    if images:
        sentences.append(
            f"{images:,} of the {len(its.predictions):,} images that {other.folder.name} was tested on were in the "
            f"training or validation subset of {run.folder.name}" + ("." if compared else "; they are not compared.")
        )
    return " ".join(sentences)


def _leak(run: Run, evaluation: StoredEvaluation) -> str:
    leak = evaluation.record.analyses.get("leakage")
    if not leak:
        return ""
    counts = LeakCounts.model_validate(leak.own)
    return (
        f"{run.folder.name}: {counts.with_duplicate_in_train:,} of its {counts.images:,} test images have a "
        f"duplicate in its training subset, and {counts.with_patient_in_train:,} show a patient of that subset."
    )


def _not_compared(evaluations: tuple[StoredEvaluation, StoredEvaluation], both: Sequence[str]) -> str:
    sizes = [len(one.predictions) for one in evaluations]
    if sizes == [len(both), len(both)]:
        return ""
    return (
        f"The runs were tested on different images, {sizes[0]:,} and {sizes[1]:,}; the comparison uses the "
        f"{len(both):,} common images. They are not a random sample of either test set."
    )


def _different(hashes: Sequence[str], sentence: str) -> str:
    """The sentence with the first eight digits of both hashes; empty where these are equal."""
    return "" if len(set(hashes)) == 1 else sentence.format(*(one[:8] for one in hashes))


def _different_classes(runs: tuple[Run, Run]) -> str:
    classes = [run.spec.classes for run in runs]
    if set(classes[0]) == set(classes[1]):
        return ""
    first, second = (f"{run.folder.name} distinguishes {', '.join(run.spec.classes)}" for run in runs)
    return f"{first}; {second}. Chance accuracy is higher with fewer classes."


def _masks(evaluations: tuple[StoredEvaluation, StoredEvaluation], both: Sequence[str]) -> str:
    if not both_segment(*evaluations, both):
        return ""
    if not same_reference_masks(*evaluations, both):
        return (
            "Both runs segment, but the reference masks of these images differ between the two evaluations, so the "
            "segmentations are not compared; evaluate both on one set: tumorlens evaluate RUN --data DATA."
        )
    segmentation = evaluations[0].record.segmentation
    if not segmentation or 2 * segmentation.boxes <= segmentation.masks - segmentation.empty:
        return ""
    dice = METRICS["dice"].title
    return f"Most reference masks are bounding boxes: {dice} measures how well a run finds boxes, not contours."


def _few_patients(difference: Estimate) -> str:
    if difference.unit == "image":
        return (
            "Patient ids are unknown. The interval treats images (with their duplicates) as independent; it is too "
            "narrow where patients have several images."
        )
    if difference.units >= FEW:
        return ""
    return (
        f"Only {difference.units} test patients, fewer than {FEW}: bootstrap intervals from so few are somewhat "
        "too narrow."
    )
