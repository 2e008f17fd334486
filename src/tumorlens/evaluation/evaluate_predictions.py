"""Predictions of any tool -> evaluation: the metrics, intervals, leaks and caveats of a run, without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from tumorlens._arrays import Floats
from tumorlens._progress import Progress, progress_of
from tumorlens.datasets import Sample, Table, fingerprint, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.errors import DataError
from tumorlens.evaluation.analyses import Analysis, AnalysisResult, Context, chosen_analyses, registry
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.evaluation.caveats import caveats, class_caveats, mask_caveats
from tumorlens.evaluation.evaluation_facts import PredictionsFacts
from tumorlens.evaluation.evaluation_options import EvaluationOptions
from tumorlens.evaluation.evaluation_result import Evaluation, TemperatureScaling
from tumorlens.evaluation.given_metrics import measure_given, why_absent
from tumorlens.evaluation.inference_result import InferenceResult
from tumorlens.evaluation.subset import bootstrap_of, check_classes, check_disjoint
from tumorlens.evaluation.tool_predictions import Predictions, merged_tumor_classes
from tumorlens.metrics.calibration import nll
from tumorlens.metrics.detection import check_prevalence, measure_detection
from tumorlens.metrics.overlap import SegmentationCase, segmentation_case
from tumorlens.metrics.segmentation import measure_segmentation
from tumorlens.scan import read_scan
from tumorlens.stats import BootstrapDraws, ClusterBootstrap, Estimate

UNKNOWN_TRAINING = (
    "The training data of these predictions are not named, so leaks cannot be excluded: images or patients of "
    "this data may have been trained on. Name them with --trained-on."
)
_AS_GIVEN = "predictions of another tool are measured as they are"
_LEAST = 1e-12  # a probability of 0 has no logarithm
_REASONS = {
    "training data": "The training data are not named (--trained-on).",
    "network": "These are predictions alone; this needs the network, to run it on changed images.",
    "thresholds": "This needs thresholds from validation images: a run of tumorlens, or a model file of one.",
    "run": "This needs a run of tumorlens.",
}


def evaluate_predictions(
    predictions: Predictions, options: EvaluationOptions, *, trained_on: Table | None = None
) -> Evaluation:
    """Evaluate predictions of any tool; the arguments and errors are those of `tumorlens.evaluate`."""
    chosen = chosen_analyses(options.analyses, options.limits)
    predictions, trained_on = merged_tumor_classes(predictions), _training(trained_on)
    table, classes, given = predictions.table, predictions.classes, predictions.source.given
    check_prevalence(options.prevalence, classes, HEALTHY)
    if options.prevalence is not None and given == "masks":
        raise DataError(
            found="a prevalence for masks alone", expected="predicted classes", advice="leave the prevalence out"
        )
    check_classes(table, classes)
    name = _subset_name(table, trained_on)
    if predictions.masks and not options.allow_box_masks:
        refuse_box_masks(f"{table.name}, {name}", table.samples)
    labels = np.array([classes.index(sample.label) for sample in table.samples], dtype=np.int64)
    bootstrap = bootstrap_of(table, n_resamples=options.n_resamples, seed=options.seed)
    with progress_of(options.progress) as shown:
        cases = _cases(predictions, shown)
        logits = _logits(predictions)
        context = Context(
            run=None,
            pipeline=None,
            infer=predictions.infer or _cannot_infer,
            segments=bool(predictions.masks),
            table=trained_on or table,
            subset=table,
            subset_name=name,
            labels=labels,
            classes=classes,
            bootstrap=bootstrap,
            inference=_inference(logits),
            probabilities=predictions.probabilities,
            validation=(),
            validation_inference=_inference(logits[:0]),
            cases=tuple(cases),
            limit=0,
            batch_size=options.batch_size,
            progress=shown,
            given=given,
            masks=predictions.masks,
            volumes=predictions.volumes,
            stored=predictions.thresholds,
        )
        results, absent = _analyze(chosen, context, predictions, trained_on)
    return _result(context, predictions, trained_on, results, absent, options.prevalence)


def _result(
    context: Context,
    predictions: Predictions,
    trained_on: Table | None,
    results: Mapping[str, AnalysisResult],
    absent: Mapping[str, str],
    prevalence: float | None,
) -> Evaluation:
    given, labels, bootstrap, classes = context.given, context.labels, context.bootstrap, context.classes
    probabilities, samples = predictions.probabilities, context.samples
    metrics = measure_given(given, probabilities, labels, bootstrap, classes)
    segmentation = measure_segmentation(context.cases, [s.label for s in samples], bootstrap, classes)
    if given == "masks" and segmentation is None:
        raise DataError(
            found=f"masks alone, for {len(samples):,} images of {context.subset.name} that have no reference mask",
            expected="images with reference masks, or predicted classes",
        )
    detection = None
    if given != "masks":
        detection = measure_detection(probabilities, labels, bootstrap, classes, HEALTHY, prevalence)
    loss = nll(context.inference.logits, labels) if given == "probabilities" else float("nan")
    found = [caveat for result in results.values() for caveat in result.caveats]
    found += [*_source_caveats(predictions, trained_on), *predictions.caveats]
    plan = trained_on.plan if trained_on else None
    measured = caveats(context.subset, classes, bootstrap.unit, measured=context.subset_name, plan=plan)
    found += measured if trained_on else measured[1:]  # without the caveat on external data: nobody knows
    return Evaluation(
        samples=samples,
        logits=context.inference.logits,
        probabilities=probabilities,
        metrics=metrics,
        detection=detection,
        before=metrics,
        nll=(loss, loss),
        calibration=TemperatureScaling(1.0, 0, 0, _AS_GIVEN),
        cams=[np.zeros((0, 1, 1), np.float32)] * len(samples),
        boxes=[],
        masks=list(predictions.masks),
        segmentation=segmentation,
        analyses=results,
        facts=_facts(context, predictions, trained_on),
        caveats=(*found, *class_caveats(metrics), *mask_caveats(context.cases, samples)),
        given=given,
        not_measured=why_absent(given) | dict(absent),
    )


def _source_caveats(predictions: Predictions, trained_on: Table | None) -> list[str]:
    source, found = predictions.source, []
    if trained_on is None:
        found.append(UNKNOWN_TRAINING)
    if missing := source.images_without_prediction:
        total = missing + len(predictions.table)
        found.append(
            f"{missing:,} of {total:,} images have no prediction and are left out: the metrics are those of the others."
        )
    if surplus := source.predictions_without_image:
        found.append(f"{surplus:,} predictions are for images that are not in the data; they are left out.")
    return found


def _facts(context: Context, predictions: Predictions, trained_on: Table | None) -> PredictionsFacts:
    table, bootstrap, source = context.subset, context.bootstrap, predictions.source
    if trained_on:
        update = {"trained_on": trained_on.name, "trained_on_fingerprint": fingerprint(trained_on)}
        source = source.model_copy(update=update)
    everyone = _everyone(bootstrap)
    return PredictionsFacts(
        run=predictions.name,
        model=predictions.name,
        weights=sha256(" ".join(source.files.values()).encode()).hexdigest(),
        recipe=None,
        pretrained=None,
        training_seed=None,
        data=table.name,
        data_fingerprint=fingerprint(table),
        external=context.subset_name == "all" if trained_on else None,
        split=trained_on.plan if trained_on else None,
        split_hash=trained_on.split_hash if trained_on else None,
        images=len(table),
        patients=len({s.patient for s in table.samples if s.patient}),
        unit=everyone.unit,
        units=everyone.units,
        evidence=everyone.evidence,
        notes=table.notes,
        subset=context.subset_name,
        n_resamples=bootstrap.n_resamples,
        seed=bootstrap.seed,
        predictions=source,
    )


def _everyone(bootstrap: ClusterBootstrap) -> Estimate:
    """An estimate of all images, for its evidence."""
    return BootstrapDraws.draw(replace(bootstrap, n_resamples=100)).estimate(np.ones(101))


def _analyze(
    chosen: Mapping[str, int], context: Context, predictions: Predictions, trained_on: Table | None
) -> tuple[dict[str, AnalysisResult], dict[str, str]]:
    """The results of the chosen analyses that can be made, and why the others cannot."""
    results, absent = {}, {}
    for name, limit in chosen.items():
        analysis = registry()[name]
        if reason := _why_not(analysis, predictions, trained_on):
            absent[name] = reason
        elif result := analysis.measure(replace(context, limit=limit)):
            results[name] = result
        elif analysis.needs == "predictions" and context.subset.has_volumes:
            absent[name] = "No mask is predicted, or no slices make a volume in 3D."
        elif analysis.needs == "thresholds":
            absent[name] = "The model file holds no thresholds for this, or its tumor classes are merged here."
    return results, absent


def _why_not(analysis: Analysis, predictions: Predictions, trained_on: Table | None) -> str:
    can = {
        "predictions": True,
        "training data": trained_on is not None,
        "network": predictions.infer is not None,
        "thresholds": predictions.thresholds is not None,
        "run": False,
    }
    return "" if can[analysis.needs] else _REASONS[analysis.needs]


def _training(table: Table | None) -> Table | None:
    """The training data; of a table without subsets all images were trained on."""
    if table is None or any(sample.split for sample in table.samples):
        return table
    return replace(table, samples=tuple(replace(sample, split="train") for sample in table.samples))


def _subset_name(table: Table, trained_on: Table | None) -> str:
    """The subset of the training table that is measured; ``"all"`` for other data.

    Raises:
        SplitError: other data that shares patients or images with the training data.
    """
    if trained_on is None:
        return "all"
    splits = {sample.id: sample.split for sample in trained_on.samples}
    measured = {splits.get(sample.id) for sample in table.samples}
    if measured in ({"test"}, {"val"}):
        return str(measured.pop())
    check_disjoint(trained_on, table, f"{trained_on.name}'s")
    return "all"


def _cases(predictions: Predictions, progress: Progress) -> list[SegmentationCase]:
    """The predicted masks against the reference masks."""
    cases = []
    for mask, sample in zip(predictions.masks, predictions.table.samples, strict=bool(predictions.masks)):
        healthy = sample.label in HEALTHY
        reference, spacing = read_sample_mask(sample), read_scan(sample.image).spacing
        cases.append(segmentation_case(mask.unpack(), reference, spacing, healthy=healthy))
        progress("masks", len(cases), len(predictions.masks))
    return cases


def _logits(predictions: Predictions) -> Floats:
    """(N, K) the logarithms of the probabilities."""
    logits: Floats = np.log(np.maximum(predictions.probabilities, _LEAST))
    return logits


def _inference(logits: Floats) -> InferenceResult:
    return InferenceResult(logits, [], [], np.zeros((len(logits), 0), np.float32))


def _cannot_infer(samples: Sequence[Sample], **_: object) -> InferenceResult:
    raise AssertionError("an analysis that needs the network was not refused")
