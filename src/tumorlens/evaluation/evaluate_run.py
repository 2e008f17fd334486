"""Run + table -> evaluation: inference, metrics with intervals, and the analyses of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tumorlens._arrays import Floats, Ints
from tumorlens._progress import Progress, progress_of, silent
from tumorlens.datasets import Sample, Table, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.evaluation.analyses import AnalysisResult, Context, chosen_analyses, registry
from tumorlens.evaluation.binary_task import BinaryTaskRun, collapse_tumor_classes
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.evaluation.caveats import caveats, class_caveats, mask_caveats
from tumorlens.evaluation.evaluation_facts import EvaluationFacts, facts_of
from tumorlens.evaluation.evaluation_options import EvaluationOptions
from tumorlens.evaluation.evaluation_result import Evaluation, TemperatureScaling
from tumorlens.evaluation.inference import infer
from tumorlens.evaluation.inference_result import InferenceResult, Spacing
from tumorlens.evaluation.packed_mask import PackedMask
from tumorlens.evaluation.subset import bootstrap_of, choose_subset
from tumorlens.metrics.calibration import fit_temperature, nll, softmax, why_not_fitted
from tumorlens.metrics.classification import Metrics, measure
from tumorlens.metrics.detection import check_prevalence, measure_detection
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.models import Pipeline
from tumorlens.scan import Mask
from tumorlens.stats import Estimate
from tumorlens.training import Run


def evaluate_run(
    run: Run, options: EvaluationOptions, *, table: Table | None = None, subset: str = "test"
) -> Evaluation:
    """Evaluate a run; the arguments and errors are those of `tumorlens.evaluate`."""
    chosen = chosen_analyses(options.analyses, options.limits)
    run = collapse_tumor_classes(run, table)
    check_prevalence(options.prevalence, run.spec.classes, HEALTHY)
    own, measured, name = choose_subset(run, table, subset)
    if run.segments and not options.allow_box_masks:
        refuse_box_masks(f"{measured.name}, {name}", measured.samples)
    pipeline, validation, samples, classes = run.pipeline(), _validation(own), measured.samples, run.spec.classes
    with progress_of(options.progress) as shown:
        held_out, inference, cases, masks = _infer(pipeline, validation, samples, options.batch_size, shown)
        scaling, labels = _fit(run, validation, held_out.logits), _labels(run, samples)
        bootstrap = bootstrap_of(measured, n_resamples=options.n_resamples, seed=options.seed)
        context = Context(
            run=run,
            pipeline=pipeline,
            infer=partial(infer, pipeline),
            segments=run.segments,
            table=own,
            subset=measured,
            subset_name=name,
            labels=labels,
            classes=classes,
            bootstrap=bootstrap,
            inference=inference,
            probabilities=softmax(inference.logits, scaling.temperature),
            validation=tuple(validation),
            validation_inference=held_out,
            cases=tuple(cases),
            masks=tuple(masks),
            limit=0,
            batch_size=options.batch_size,
            progress=shown,
        )
        results = _analyze(chosen, context)
    return _result(context, scaling, masks, results, external=table is not None, prevalence=options.prevalence)


def calibrate(run: Run, table: Table) -> TemperatureScaling:
    """Fit the temperature of a run on the validation subset of its table."""
    samples = _validation(table)
    return _fit(run, samples, infer(run.pipeline(), samples).logits)


def _result(
    context: Context,
    scaling: TemperatureScaling,
    masks: list[PackedMask],
    results: Mapping[str, AnalysisResult],
    *,
    external: bool,
    prevalence: float | None,
) -> Evaluation:
    """Metrics before and after temperature scaling, together with what they rest on."""
    inference, samples, labels = context.inference, context.subset.samples, context.labels
    uncalibrated, metrics = (
        measure(probabilities, labels, context.bootstrap, context.classes)
        for probabilities in (softmax(inference.logits), context.probabilities)
    )
    return Evaluation(
        samples=samples,
        logits=inference.logits,
        probabilities=context.probabilities,
        metrics=metrics,
        detection=measure_detection(
            context.probabilities, labels, context.bootstrap, context.classes, HEALTHY, prevalence
        ),
        before=uncalibrated,
        nll=(nll(inference.logits, labels), nll(inference.logits, labels, scaling.temperature)),
        calibration=scaling,
        cams=inference.cams,
        boxes=inference.boxes,
        masks=masks,
        segmentation=measure_segmentation(
            context.cases, [s.label for s in samples], context.bootstrap, context.classes
        ),
        analyses=results,
        facts=_facts(context, metrics.overall["accuracy"], external=external),
        caveats=_caveats(context, metrics, results),
    )


def _facts(context: Context, accuracy: Estimate, *, external: bool) -> EvaluationFacts:
    name, bootstrap = context.subset_name, context.bootstrap
    assert context.run is not None
    return facts_of(context.run, context.subset, accuracy, name=name, external=external, bootstrap=bootstrap)


def _caveats(context: Context, metrics: Metrics, results: Mapping[str, AnalysisResult]) -> tuple[str, ...]:
    """What limits the results: of the analyses, of the task, of the data, and of the reference masks."""
    found = [caveat for result in results.values() for caveat in result.caveats]
    if isinstance(context.run, BinaryTaskRun):
        found.append(context.run.caveat)
    subset, unit = context.subset, context.bootstrap.unit
    found += caveats(subset, context.classes, unit, measured=context.subset_name, plan=context.table.plan)
    return (*found, *class_caveats(metrics), *mask_caveats(context.cases, subset.samples))


def _analyze(chosen: Mapping[str, int], context: Context) -> dict[str, AnalysisResult]:
    """The results of the chosen analyses, without those that had nothing to measure."""
    results = {name: registry()[name].measure(replace(context, limit=limit)) for name, limit in chosen.items()}
    return {name: result for name, result in results.items() if result is not None}


def _infer(
    pipeline: Pipeline,
    validation: Sequence[Sample],
    samples: Sequence[Sample],
    batch_size: int,
    progress: Progress = silent,
) -> tuple[InferenceResult, InferenceResult, list[SegmentationCase], list[PackedMask]]:
    """The output for validation, the output for samples, and of samples the predicted masks against the reference."""
    cases: list[SegmentationCase] = []
    masks: list[PackedMask] = []

    def compare(position: int, mask: Mask, spacing: Spacing) -> None:
        if position >= len(validation):
            sample = samples[position - len(validation)]
            cases.append(segmentation_case(mask, read_sample_mask(sample), spacing, healthy=sample.label in HEALTHY))
            masks.append(PackedMask.of(mask))

    progress("inference", 0, len(validation) + len(samples))
    both = infer(pipeline, [*validation, *samples], batch_size=batch_size, progress=progress, on_mask=compare)
    return *both.part(len(validation)), cases, masks


def _validation(table: Table) -> list[Sample]:
    return [s for s in table.samples if s.split == "val"]


def _labels(run: Run, samples: Sequence[Sample]) -> Ints:
    index = {name: i for i, name in enumerate(run.spec.classes)}
    return np.array([index[s.label] for s in samples], dtype=np.int64)


def _fit(run: Run, samples: Sequence[Sample], logits: Floats) -> TemperatureScaling:
    """The temperature that fits these samples, weighted by their patients."""
    if not samples:
        return TemperatureScaling(1.0, 0, 0, "the run has no validation subset")
    labels, units = _labels(run, samples), len({s.unit for s in samples})
    temperature = fit_temperature(logits, labels, units)
    return TemperatureScaling(temperature, len(samples), units, why_not_fitted(logits, labels))
