"""The arrow run + table -> numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Floats
from tumorlens.datasets import Sample, Table
from tumorlens.evaluation.analyses.leakage.measure import leaked_ids, measure_leakage
from tumorlens.evaluation.analyses.ood import measure_ood
from tumorlens.evaluation.analyses.ood.fit_ood import to_fit_on
from tumorlens.evaluation.analyses.region_occlusion.measure import measure_region_occlusion, outlined, staged
from tumorlens.evaluation.analyses.robustness import asked, measure_robustness
from tumorlens.evaluation.analyses.selective.measure import measure_selective
from tumorlens.evaluation.binary_task import BinaryTaskRun, collapse_tumor_classes
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.evaluation.caveats import caveats, mask_caveats
from tumorlens.evaluation.evaluation_result import Calibration, Evaluation
from tumorlens.evaluation.inference import InferenceResult, Spacing, infer
from tumorlens.evaluation.subset import bootstrap_of, choose_subset, facts_of
from tumorlens.evaluation.thresholds import fit_thresholds
from tumorlens.metrics.calibration import fit_temperature, nll, softmax, why_not_fitted
from tumorlens.metrics.classification import measure
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.models import Pipeline
from tumorlens.scan import Mask
from tumorlens.training import Run

Progress = Callable[[int, int], None]


def evaluate(
    run: Run,
    *,
    table: Table | None = None,
    split: str = "test",
    rectangles: bool = False,
    background: bool = True,
    robustness: int | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a run on one split of its own data, or on other data.

    Args:
        run: a finished run.
        table: other data, all of it is used; None for the run's own `split`. Where its only tumors are called
            "tumor", all kinds of tumor that the run knows count as that.
        split: of the run's own data.
        rectangles: measure what is drawn also where most true masks are filled rectangles.
        background: ask again with background, head and tumor blanked, if there are masks that show a tumor; this
            takes three times as long as the rest.
        robustness: also measure so many images at most, spread over patients, with every artifact of
            `tumorlens.evaluation.analyses.robustness` at every severity; 0 for all images, None to leave it out.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap.
        progress: called with (done, total).

    Raises:
        SplitError: other data that shares patients or images with the run's training part.
        DataError: labels the run does not know, an empty split, or true masks that are rectangles.
        RunError: the run's data changed since.
        ScanError: an image cannot be read, or, for a network that segments or with `background`, a mask.
    """
    run = collapse_tumor_classes(run, table)
    own, part, subset_name = choose_subset(run, table, split)
    held_out = _validation(own)
    seen = [] if subset_name == "val" else to_fit_on(own)
    with_tumor = outlined(part.samples) if background else []
    blanks = 2 * len(part) + len(with_tumor) if with_tumor else 0
    steps = staged(progress, len(held_out) + len(part), len(seen), blanks, asked(len(part), robustness))
    if run.segments and not rectangles:
        refuse_box_masks(f"{part.name}, {subset_name}", part.samples)
    pipeline, samples = run.pipeline(), part.samples
    answers, drawings = _ask(pipeline, held_out, samples, steps[0])
    val, rest = slice(len(held_out)), slice(len(held_out), None)
    calibration = _fit(run, held_out, answers.logits[val])
    logits, labels = answers.logits[rest], _labels(run, samples)
    limits = fit_thresholds(pipeline, own, seen, answers.logits[val], answers.features[val], progress=steps[1])
    bootstrap = bootstrap_of(part, n_resamples=n_resamples, seed=seed)
    before, after = softmax(logits), softmax(logits, calibration.temperature)
    classes, known = run.spec.classes, leaked_ids(own, part)
    figures = [measure(p, labels, bootstrap, classes) for p in (before, after)]
    separate = measure_leakage(known, samples, after, labels, bootstrap, classes, drawings=drawings)
    segmentation = measure_segmentation(drawings, samples, bootstrap, classes)
    blanked = measure_region_occlusion(
        pipeline, samples, with_tumor, logits, labels, bootstrap, classes, progress=steps[2]
    )
    worse = measure_robustness(pipeline, samples, labels, bootstrap, classes, limit=robustness, progress=steps[3])
    warned = [found.caveat for found in (separate, blanked, worse) if found and found.caveat]
    warned += [run.caveat] if isinstance(run, BinaryTaskRun) else []
    warned += caveats(part, classes, bootstrap.unit, measured=subset_name, plan=own.plan)
    return Evaluation(
        samples=samples,
        logits=logits,
        probabilities=after,
        metrics=figures[1],
        before=figures[0],
        nll=(nll(logits, labels), nll(logits, labels, calibration.temperature)),
        calibration=calibration,
        cams=answers.cams[rest],
        boxes=answers.boxes[rest],
        facts=facts_of(run, part, figures[1].overall["accuracy"], foreign=table is not None)
        | {"part": subset_name, "n_resamples": n_resamples, "seed": seed},
        separate=separate,
        segmentation=segmentation,
        background=blanked,
        caveats=(*warned, *mask_caveats(drawings, samples)),
        robustness=worse,
        ood=measure_ood(limits.ood, answers.features[rest], labels, bootstrap, classes),
        abstention=measure_selective(limits.prediction_sets, logits, labels, bootstrap, classes),
    )


def calibrate(run: Run, table: Table) -> Calibration:
    """Fit the temperature of a run on the validation part of its table."""
    samples = _validation(table)
    return _fit(run, samples, infer(run.pipeline(), samples).logits)


def _ask(
    pipeline: Pipeline, held_out: Sequence[Sample], samples: Sequence[Sample], step: Progress | None
) -> tuple[InferenceResult, list[SegmentationCase]]:
    """What the network says of all of them, one after the other, and how well it draws the latter."""
    drawings: list[SegmentationCase] = []

    def compare(position: int, mask: Mask, spacing: Spacing) -> None:
        if position >= len(held_out):
            drawings.append(segmentation_case(samples[position - len(held_out)], mask, spacing))

    if step:
        step(0, 0)
    return infer(pipeline, [*held_out, *samples], progress=step, drawn=compare), drawings


def _validation(table: Table) -> list[Sample]:
    return [s for s in table.samples if s.split == "val"]


def _labels(run: Run, samples: Sequence[Sample]) -> npt.NDArray[np.int64]:
    index = {name: i for i, name in enumerate(run.spec.classes)}
    return np.array([index[s.label] for s in samples], dtype=np.int64)


def _fit(run: Run, samples: Sequence[Sample], logits: Floats) -> Calibration:
    """The temperature that fits these samples, weighted by their patients."""
    if not samples:
        return Calibration(1.0, 0, 0, "the run has no validation part")
    labels, units = _labels(run, samples), len({s.unit for s in samples})
    temperature = fit_temperature(logits, labels, units)
    return Calibration(temperature, len(samples), units, why_not_fitted(logits, labels))
