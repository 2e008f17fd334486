"""Published method + data -> Reproduction: its claim, its published protocol and a leak-free one in one table."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record, processor
from tumorlens._results_folder import claim_folder
from tumorlens.datasets import DATASETS, Table, open_table
from tumorlens.errors import DataError, ModelError
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.evaluation.leaked_and_clean import LeakedAndClean, leaked_and_clean
from tumorlens.experiments.reproduction.protocol_result import ProtocolResult
from tumorlens.experiments.reproduction.protocols import EvaluationProtocol, ProtocolPair, build_protocols
from tumorlens.experiments.reproduction.published_methods import PublishedMethod, find_published_method
from tumorlens.experiments.reproduction.quick import quick_overrides
from tumorlens.experiments.reproduction.reproduction_files import write_reproduction
from tumorlens.experiments.reproduction.reproduction_result import Hardware, Reproduction
from tumorlens.models import create, load_pretrained
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Recipe, train
from tumorlens.training.training_start import STARTED

LOGGER = logging.getLogger(__name__)


def reproduce(
    method: str | int,
    data: Sequence[str | Path],
    out: str | Path,
    *,
    network: str | None = None,
    overrides: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    resume: bool = False,
    n_resamples: int = 2000,
    progress: ProgressOption = None,
) -> Reproduction:
    """Run the published protocol of a method, and then a leak-free protocol with the same network, recipe and budget.

    Args:
        method: 1 to 5, or a name: brain_mri_efficientnet, efficient_mtnet, efficientnet_b0, brainmrnet,
            efficientnet_transformer.
        data: folders of its datasets, in order.
        out: folder for both runs (``published``, ``leak_free``), reproduction.json, report.html and run.json.
        network: another network of the method; None for the network of the claim.
        overrides: of the recipe, as ``epochs=5``.
        quick: a few hundred images, few epochs, small input; every output then reports this.
        seed: of splits, training and bootstrap.
        resume: continue an interrupted reproduction; finished runs are not trained again.
        n_resamples: of the bootstrap.
        progress: a callable, True for bars, None for silence; its stages occur once in each protocol.

    Raises:
        DataError: an unknown method, or other datasets than it needs.
        ModelError: the pretrained weights are not available; the message names alternatives.
        ResultsFolderError: `out` holds other files, or another process is writing to it.
        RunError: `out` holds a run with other settings.
        RecipeError: an invalid override.
        SplitError: a class has too few patients or images to split.

    Example:
        >>> import tumorlens
        >>> small = ["epochs=1", "input.size=32"]
        >>> data = ["navoneel"]  # the folder has synthetic images in the layout of that set
        >>> result = tumorlens.reproduce("brainmrnet", data, "reproduced", overrides=small, quick=True, n_resamples=100)
        >>> [row.label for row in result.rows]
        ['accuracy', 'macro AUROC', 'accuracy, images without leakage']
    """
    record = Record("reproduce", seed=seed, resumed=resume)
    published_method = find_published_method(method)
    recipe_of = _recipes(published_method, network, overrides, quick)
    recipe = recipe_of(())
    tables = _open_tables(published_method, data)
    _check_weights(recipe, len(tables[0].classes))
    results = []
    with progress_of(progress) as shown, claim_folder(out, started=resume) as folder:
        pair = build_protocols(published_method, tables, seed=seed, quick=quick, progress=shown)
        record.lap("protocols")
        for protocol in (pair.published, pair.leak_free):
            results.append(
                _run(
                    pair, protocol, recipe_of(protocol.overrides), folder,
                    seed=seed, resume=resume, n_resamples=n_resamples, progress=shown,
                )
            )  # fmt: skip
            record.lap(protocol.name)
        reproduction = Reproduction(
            method=published_method,
            published=results[0],
            leak_free=results[1],
            claims=published_method.claims_for(recipe),
            data="+".join(table.name for table in tables),
            images=len(pair.source),
            quick=quick,
            seed=seed,
            n_resamples=n_resamples,
            hardware=_hardware(results[1]),
        )
        write_reproduction(reproduction, folder, record)
    return reproduction


def _run(
    pair: ProtocolPair,
    protocol: EvaluationProtocol,
    recipe: Recipe,
    out: Path,
    *,
    seed: int,
    resume: bool,
    n_resamples: int,
    progress: Progress,
) -> ProtocolResult:
    """Train and evaluate one protocol; the published one may leak and use bounding-box masks, as its authors did."""
    folder, published = out / protocol.name, protocol.name == "published"
    LOGGER.info("%s protocol: %s", protocol.title, protocol.rule)
    run = train(
        protocol.table,
        recipe,
        folder,
        seed=seed,
        resume=resume and (folder / STARTED).is_file(),
        allow_leak=published,
        progress=progress,
    )
    evaluations = {}
    for subset in protocol.subsets:
        record = Record("evaluate")
        evaluations[subset] = evaluate(
            run,
            subset=subset,
            allow_box_masks=published,
            analyses={"region_occlusion": False},  # not part of any claim, and three times as long as the rest
            seed=seed,
            n_resamples=n_resamples,
            progress=progress,
        )
        write_evaluation(run, evaluations[subset], run.evaluation_folder(subset), record)
    leakage = {
        subset: _leakage(pair.leaked(protocol, subset), evaluation)
        for subset, evaluation in evaluations.items()
        if subset != "train"
    }
    return ProtocolResult(protocol, recipe, run, evaluations, leakage)


def _leakage(leaks: dict[str, set[str]], evaluation: Evaluation) -> LeakedAndClean | None:
    """The metrics of the images that leak from train, and of the others."""
    classes, facts = evaluation.metrics.classes, evaluation.facts
    labels = np.array([classes.index(sample.label) for sample in evaluation.samples])
    units = [sample.unit for sample in evaluation.samples]
    bootstrap = ClusterBootstrap(units, facts.unit, facts.n_resamples, facts.seed)
    cases = evaluation.segmentation.cases if evaluation.segmentation else ()
    return leaked_and_clean(leaks, evaluation.samples, evaluation.probabilities, labels, bootstrap, classes, cases)


def _recipes(
    method: PublishedMethod, network: str | None, overrides: Sequence[str], quick: bool
) -> Callable[[Sequence[str]], Recipe]:
    """A function from further overrides to the recipe; overrides of the user replace those of a quick run."""
    short = quick_overrides(method.recipe(network, overrides)) if quick else ()
    return lambda further: method.recipe(network, [*short, *overrides, *further])


def _open_tables(method: PublishedMethod, data: Sequence[str | Path]) -> list[Table]:
    """Open the datasets of a published method, and check that each is the expected one."""
    expected = f"{' and then '.join(method.datasets)}, for published method {method.number} ({method.name})"
    if len(data) != len(method.datasets):
        raise DataError(found=f"{len(data)} data sets given", expected=expected, advice=method.download)
    tables = []
    for source, name in zip(data, method.datasets, strict=True):
        folder = Path(str(source).removeprefix(f"{name}:")).expanduser()
        if not folder.is_dir():
            raise DataError(file=folder, found="no such folder", expected=expected, advice=method.download)
        recognized = next((one.card.name for one in DATASETS.values() if one.recognizes(folder)), "unknown dataset")
        if recognized != name:
            raise DataError(file=folder, found=f"{recognized} found", expected=expected, advice=method.download)
        tables.append(open_table(f"{name}:{folder}", unannotated="ignore"))
    return tables


def _check_weights(recipe: Recipe, classes: int) -> None:
    """Check before the training that the pretrained weights are available.

    Raises:
        ModelError: they are not; the message names alternatives.
    """
    if recipe.pretrained == "none":
        return
    network = create(recipe.model, classes, channels=recipe.input.channels, options=recipe.options)
    try:
        load_pretrained(network, recipe.model, recipe.pretrained)
    except ModelError as error:
        lite = "efficientnet_lite0" + "_transformer" * recipe.model.endswith("_transformer")
        raise ModelError(
            file=error.file,
            found=error.found,
            expected=error.expected,
            advice=f"{error.advice}, or " * bool(error.advice) + "train another network, whose weights are a Python "
            f"package (--set model={lite} --set pretrained=package), or train from scratch (--set pretrained=none)"
            "; the report names either change",
        ) from None


def _hardware(result: ProtocolResult) -> Hardware:
    device = result.run.record.device
    graphics = torch.cuda.get_device_name() if device.startswith("cuda") and torch.cuda.is_available() else None
    return Hardware(processor(), os.cpu_count() or 1, graphics, result.run.record.precision)
