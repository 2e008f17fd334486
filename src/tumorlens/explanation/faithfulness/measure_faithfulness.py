"""Run + images with reference masks -> faithfulness and localization of each kind of heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.datasets import Sample, Table, read_sample_mask
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation import calibrate, gray_slice, read_evaluation
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.evaluation.caveats import caveats
from tumorlens.evaluation.evaluation_facts import facts_of
from tumorlens.evaluation.subset import bootstrap_of, choose_subset, spread, with_reference_tumor
from tumorlens.explanation.catalog import METHODS
from tumorlens.explanation.faithfulness.control_maps import CONTROL_MAPS
from tumorlens.explanation.faithfulness.deletion_insertion import (
    STEPS,
    PerturbationCurves,
    perturbation_curves,
    to_network_input,
)
from tumorlens.explanation.faithfulness.faithfulness_result import (
    Faithfulness,
    FaithfulnessFacts,
    FaithfulnessRow,
    MapScores,
    MetricEstimates,
)
from tumorlens.explanation.faithfulness.heat_maps import head_box, iter_heatmaps
from tumorlens.explanation.faithfulness.localization import LocalizationScores, score_localization
from tumorlens.explanation.faithfulness.metric_estimates import collect_scores, compare_with_controls, estimate_metrics
from tumorlens.explanation.faithfulness.sanity_checks import SANITY_IMAGES, check_sanity
from tumorlens.explanation.pipeline_explainer import PipelineExplainer
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage
from tumorlens.stats import BootstrapDraws
from tumorlens.training import Run

DEFAULT_LIMIT = 100
"""Default number of images: precision depends on the number of patients, and these images cover all patients."""


def measure_faithfulness(
    run: Run,
    *,
    table: Table | None = None,
    methods: Sequence[str] | None = None,
    limit: int = DEFAULT_LIMIT,
    allow_box_masks: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
    progress: ProgressOption = None,
) -> Faithfulness:
    """Compare heat maps of the predicted class with reference masks, control maps and maps of random networks.

    Args:
        run: a finished run.
        table: external data with reference masks, all of it; None for the run's own test subset.
        methods: names of `tumorlens.explanation.METHODS`, or ``"attention:NAME"``; None for all supported methods.
        limit: maximum number of images, spread over patients; 0 for all.
        allow_box_masks: measure also if most reference masks are filled rectangles.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap, of the random control map and of the random weights.
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: no image has a reference mask that shows a tumor, or most masks are filled rectangles.
        ModelError: a method does not exist, or this network does not support it.
        SplitError, RunError, ScanError: as `tumorlens.evaluate`.
    """
    own, subset, name = choose_subset(run, table)
    with progress_of(progress) as step:
        step("reading masks", 0, 1)
        with_tumor = _with_tumor(subset, name, allow_box_masks)
        step("reading masks", 1, 1)
        step("calibrating", 0, 1)
        pipeline = run.pipeline(_temperature(run, own))
        step("calibrating", 1, 1)
        pipeline.network.to(memory_format=torch.channels_last)
        methods = _supported(pipeline, methods)
        chosen = spread([sample.unit for sample in with_tumor], limit or len(with_tumor))
        measured = replace(subset, samples=tuple(with_tumor[i] for i in chosen))
        bootstrap = bootstrap_of(measured, n_resamples=n_resamples, seed=seed)
        images = _measure_images(pipeline, measured.samples, methods, seed, step)
        few = spread(bootstrap.units, SANITY_IMAGES)
        few_images = [gray_slice(measured.samples[i].image) for i in few]
        checks = check_sanity(pipeline, run.spec.network, few_images, bootstrap.only(few), methods, progress=step)
    resampled = BootstrapDraws.draw(bootstrap)
    labels = [sample.label for sample in measured.samples]
    scores = {key: collect_scores(images.localizations[key], images.curves[key]) for key in (*methods, *CONTROL_MAPS)}
    controls = {key: scores[key] for key in CONTROL_MAPS}
    rows = []
    for key in scores:
        row = _row(key, scores[key], *estimate_metrics(scores[key], labels, run.spec.classes, resampled))
        if key in checks:
            differences = compare_with_controls(scores[key], controls, bootstrap)
            row = replace(row, control_differences=differences, sanity_check=checks[key])
        rows.append(row)
    estimate = rows[0].metrics["relevance_mass_accuracy"]
    facts = facts_of(run, measured, estimate, name=name, external=table is not None, bootstrap=bootstrap)
    return Faithfulness(
        samples=measured.samples,
        predicted=tuple(run.spec.classes[i] for i in images.predicted),
        probabilities=np.array(images.probabilities),
        blurred_probabilities=np.array(images.blurred_probabilities),
        tumor_fractions=np.array(images.tumor_fractions),
        rows=tuple(rows),
        facts=FaithfulnessFacts(
            **dict(facts),
            with_tumor=len(with_tumor),
            misclassified=sum(run.spec.classes[i] != label for i, label in zip(images.predicted, labels, strict=True)),
            steps=STEPS,
        ),
        caveats=_failures(rows) + caveats(measured, run.spec.classes, bootstrap.unit, measured=name, plan=own.plan),
    )


@dataclass(frozen=True, eq=False)
class _MeasuredImages:
    """What was measured, image by image."""

    predicted: list[int]
    probabilities: list[float]
    blurred_probabilities: list[float]
    tumor_fractions: list[float]
    localizations: Mapping[str, list[LocalizationScores]]
    curves: Mapping[str, list[PerturbationCurves]]


def _measure_images(
    pipeline: Pipeline, samples: Sequence[Sample], methods: Sequence[str], seed: int, progress: Progress
) -> _MeasuredImages:
    """Score every map of every image and drop it: the maps of a thousand images would fill the memory."""
    keys = (*methods, *CONTROL_MAPS)
    measured = _MeasuredImages([], [], [], [], {key: [] for key in keys}, {key: [] for key in keys})
    for number, sample in enumerate(samples):
        image, mask = gray_slice(sample.image), read_sample_mask(sample)
        assert mask is not None  # only images with a tumor in their reference mask were chosen
        probability, predicted = _predict(pipeline, image)
        network_input = to_network_input(pipeline, image, predicted)
        head = head_box(image)
        measured.predicted.append(predicted)
        measured.probabilities.append(probability)
        measured.blurred_probabilities.append(network_input.blurred_probability)
        measured.tumor_fractions.append(float(mask.mean()))
        for key in keys:
            if key in CONTROL_MAPS:
                heatmap = CONTROL_MAPS[key].render(image, head, seed + number)
            else:
                (heatmap,) = iter_heatmaps(pipeline, [image], [predicted], key)
            measured.localizations[key].append(score_localization(heatmap, mask))
            measured.curves[key].append(perturbation_curves(pipeline, network_input, heatmap, seed + number))
        progress("measuring maps", number + 1, len(samples))
    return measured


def _predict(pipeline: Pipeline, image: GrayImage) -> tuple[float, int]:
    """The calibrated probability of the predicted class, and its index."""
    with torch.inference_mode():
        probabilities = pipeline(torch.from_numpy(image.copy())[None].to(pipeline.temperature.device)).probabilities[0]
    predicted = int(probabilities.argmax())
    return float(probabilities[predicted]), predicted


def _row(
    name: str, scores: MapScores, metrics: MetricEstimates, per_class: dict[str, MetricEstimates]
) -> FaithfulnessRow:
    if name in CONTROL_MAPS:
        control = CONTROL_MAPS[name]
        return FaithfulnessRow(name, control.title, control.description, True, scores, metrics, per_class)
    base, _, layer = name.partition(":")
    method = METHODS[base]
    title = f"{method.title} {layer}" if layer else method.title
    return FaithfulnessRow(name, title, method.description, False, scores, metrics, per_class)


def _with_tumor(subset: Table, name: str, allow_box_masks: bool) -> list[Sample]:
    """The samples whose reference mask shows a tumor.

    Raises:
        DataError: there are none, or most masks are filled rectangles.
    """
    samples = [subset.samples[i] for i in with_reference_tumor(subset.samples)]
    if not samples:
        raise DataError(
            found=f"{subset.name}, {name}: none of {len(subset):,} images has a reference mask that shows a tumor",
            expected="masks to compare heat maps with",
            advice="give data that has them with --data",
        )
    if not allow_box_masks:
        refuse_box_masks(f"{subset.name}, {name}", samples)
    return samples


def _temperature(run: Run, own: Table) -> float:
    """The temperature of the run's evaluation, or else fitted on its validation subset."""
    try:
        return read_evaluation(run).record.calibration.temperature
    except RunError:
        return calibrate(run, own).temperature


def _supported(pipeline: Pipeline, methods: Sequence[str] | None) -> list[str]:
    """Names of methods, each once, in the order given; all supported methods for None."""
    explainer = PipelineExplainer(pipeline)
    if not methods:
        return explainer.available()
    for name in methods:
        explainer.check(name)
    return list(dict.fromkeys(methods))


def _failures(rows: Sequence[FaithfulnessRow]) -> tuple[str, ...]:
    return tuple(f"{row.title} {row.sanity_check.verdict}" for row in rows if row.sanity_check and row.fails)
