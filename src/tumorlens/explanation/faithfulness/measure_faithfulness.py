"""Run + images with true masks -> how far each kind of heat map can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from tumorlens.datasets import Sample, Table, read_sample_mask
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation import calibrate, gray_slice, read_evaluation
from tumorlens.evaluation.box_masks import refuse_box_masks
from tumorlens.evaluation.caveats import caveats
from tumorlens.evaluation.evaluation_facts import facts_of
from tumorlens.evaluation.subset import bootstrap_of, choose_subset, spread, with_reference_tumor
from tumorlens.explanation.faithfulness.control_maps import CONTROLS
from tumorlens.explanation.faithfulness.deletion_insertion import STEPS, Curves, curves, scene
from tumorlens.explanation.faithfulness.faithfulness_result import Faithfulness, Figures, Row, Scores
from tumorlens.explanation.faithfulness.heat_maps import head_box, maps
from tumorlens.explanation.faithfulness.localization import LocalizationScores, fit
from tumorlens.explanation.faithfulness.sanity_checks import IMAGES, check_sanity
from tumorlens.explanation.faithfulness.tally import compare, figures, gather
from tumorlens.explanation.pipeline_explainer import METHODS, PipelineExplainer
from tumorlens.models import Pipeline
from tumorlens.scan import GrayImage
from tumorlens.stats import BootstrapDraws
from tumorlens.training import Run

LIMIT = 100
"""Images measured unless told otherwise: figures rest on patients, and these are spread over all of them."""

Progress = Callable[[str, int, int], None]


def measure_maps(
    run: Run,
    *,
    table: Table | None = None,
    methods: Sequence[str] | None = None,
    limit: int = LIMIT,
    rectangles: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Faithfulness:
    """Measure maps of the predicted class against true masks, against controls, and against random weights.

    Args:
        run: a finished run.
        table: other data with masks, all of it; None for the run's own test part.
        methods: names of `tumorlens.explanation.METHODS`, or ``"attention:NAME"``; None for all this network can give.
        limit: so many images at most, spread over patients; 0 for all.
        rectangles: measure also where most true masks are filled rectangles.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap, of the random control and of the random weights.
        progress: called with (stage, done, total).

    Raises:
        DataError: no image has a mask that shows a tumor, or most masks are rectangles.
        ModelError: a method that does not exist, or that this network cannot give.
        SplitError, RunError, ScanError: as `tumorlens.evaluate`.
    """
    own, part, subset_name = choose_subset(run, table)
    say = progress or (lambda *_: None)
    say("reading masks", 0, 1)
    shown = _with_tumor(part, subset_name, rectangles)
    say("reading masks", 1, 1)
    say("calibrating", 0, 1)
    pipeline = run.pipeline(_temperature(run, own))
    say("calibrating", 1, 1)
    pipeline.network.to(memory_format=torch.channels_last)
    names = _chosen(pipeline, methods)
    held = replace(part, samples=tuple(shown[i] for i in spread([s.unit for s in shown], limit or len(shown))))
    bootstrap = bootstrap_of(held, n_resamples=n_resamples, seed=seed)
    looked = _look(pipeline, held.samples, names, seed, say)
    few = spread(bootstrap.units, IMAGES)
    sane = check_sanity(
        pipeline, run.spec.network, [gray_slice(held.samples[i].image) for i in few], bootstrap.only(few), names,
        progress=lambda done, total: say("making weights random", done, total),
    )  # fmt: skip
    drawn = BootstrapDraws.draw(bootstrap)
    labels = [sample.label for sample in held.samples]
    scores = {name: gather(looked.fits[name], looked.curves[name]) for name in (*names, *CONTROLS)}
    controls = {name: scores[name] for name in CONTROLS}
    rows = []
    for name in scores:
        row = _row(name, scores[name], *figures(scores[name], labels, run.spec.classes, drawn))
        if name in sane:
            over = compare(scores[name], controls, bootstrap)
            row = replace(row, over_control=over, sanity=sane[name])
        rows.append(row)
    wrong = sum(looked.said[i] != run.spec.classes.index(label) for i, label in enumerate(labels))
    return Faithfulness(
        samples=held.samples,
        predicted=tuple(run.spec.classes[i] for i in looked.said),
        probabilities=np.array(looked.probabilities),
        hidden=np.array(looked.hidden),
        tumor=np.array(looked.tumor),
        rows=tuple(rows),
        facts=facts_of(
            run, held, rows[0].figures["energy"], name=subset_name, external=table is not None, bootstrap=bootstrap
        ).model_dump(mode="json")
        | {"with_tumor": len(shown), "misclassified": wrong, "steps": STEPS},
        caveats=_stamps(rows) + caveats(held, run.spec.classes, bootstrap.unit, measured=subset_name, plan=own.plan),
    )


@dataclass(frozen=True, eq=False)
class _Looked:
    """What was gathered, image by image."""

    said: list[int]
    probabilities: list[float]
    hidden: list[float]
    tumor: list[float]
    fits: Mapping[str, list[LocalizationScores]]
    curves: Mapping[str, list[Curves]]


def _look(
    pipeline: Pipeline, samples: Sequence[Sample], names: Sequence[str], seed: int, progress: Progress
) -> _Looked:
    """Every map of every image, measured and dropped: those of a thousand images would fill the memory."""
    everything = (*names, *CONTROLS)
    found = _Looked([], [], [], [], {n: [] for n in everything}, {n: [] for n in everything})
    for number, sample in enumerate(samples):
        image, mask = gray_slice(sample.image), read_sample_mask(sample)
        assert mask is not None  # only images with a tumor in their mask were chosen
        probabilities, said = _answer(pipeline, image)
        here = scene(pipeline, image, said)
        head = head_box(image)
        found.said.append(said)
        found.probabilities.append(probabilities)
        found.hidden.append(here.hidden)
        found.tumor.append(float(mask.mean()))
        for name in everything:
            if name in CONTROLS:
                heatmap = CONTROLS[name].draw(image, head, seed + number)
            else:
                (heatmap,) = maps(pipeline, [image], [said], name)
            found.fits[name].append(fit(heatmap, mask))
            found.curves[name].append(curves(pipeline, here, heatmap, seed + number))
        progress("measuring maps", number + 1, len(samples))
    return found


def _answer(pipeline: Pipeline, image: GrayImage) -> tuple[float, int]:
    """The calibrated probability of the predicted class, and its index."""
    with torch.inference_mode():
        probabilities = pipeline(torch.from_numpy(image.copy())[None]).probabilities[0]
    said = int(probabilities.argmax())
    return float(probabilities[said]), said


def _row(name: str, scores: Scores, overall: Figures, per_class: dict[str, Figures]) -> Row:
    if name in CONTROLS:
        control = CONTROLS[name]
        return Row(name, control.title, control.shows, True, scores, overall, per_class)
    base, _, one = name.partition(":")
    method = METHODS[base]
    title = f"{method.title} {one}" if one else method.title
    return Row(name, title, method.shows, False, scores, overall, per_class)


def _with_tumor(part: Table, subset_name: str, rectangles: bool) -> list[Sample]:
    """The samples whose mask shows a tumor.

    Raises:
        DataError: there are none, or most masks are rectangles.
    """
    shown = [part.samples[i] for i in with_reference_tumor(part.samples)]
    if not shown:
        raise DataError(
            f"{part.name}, {subset_name}: none of {len(part):,} images has a mask that shows a tumor; expected true "
            "outlines to compare maps with; name data that has them with --data"
        )
    if not rectangles:
        refuse_box_masks(f"{part.name}, {subset_name}", shown)
    return shown


def _temperature(run: Run, own: Table) -> float:
    """That of the run's evaluation, or the same fitted anew."""
    try:
        return float(read_evaluation(run).record.calibration["temperature"])
    except RunError:
        return calibrate(run, own).temperature


def _chosen(pipeline: Pipeline, methods: Sequence[str] | None) -> list[str]:
    """Names of methods, each once, in the order given."""
    explainer = PipelineExplainer(pipeline)
    if not methods:
        return explainer.available()
    for name in methods:
        explainer.check(name)
    return list(dict.fromkeys(methods))


def _stamps(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(f"{row.title} {row.sanity.verdict}" for row in rows if row.sanity and row.sanity.fails)
