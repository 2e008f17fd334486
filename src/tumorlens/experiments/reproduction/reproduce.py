"""The arrow system + data -> its claim, its published protocol and an honest one in one table."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from tumorlens._record import Record, processor
from tumorlens.datasets import DATASETS, Table, open_table
from tumorlens.errors import DataError, ModelError
from tumorlens.evaluation.leaked_and_clean import LeakedAndClean, leaked_and_clean
from tumorlens.evaluation.evaluate import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.evaluation.evaluation_result import Evaluation
from tumorlens.experiments.reproduction.protocol_result import ProtocolResult
from tumorlens.experiments.reproduction.protocols import EvaluationProtocol, ProtocolPair, protocols
from tumorlens.experiments.reproduction.published_methods import PublishedMethod, find_published_method
from tumorlens.experiments.reproduction.quick import quick_overrides
from tumorlens.experiments.reproduction.reproduction_files import write_reproduction
from tumorlens.experiments.reproduction.reproduction_result import Reproduction
from tumorlens.models import create, load_pretrained
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Recipe, train
from tumorlens.training.training_start import STARTED, check_run_folder


def reproduce(
    system: str | int,
    data: Sequence[str | Path],
    out: str | Path,
    *,
    model: str | None = None,
    overrides: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    resume: bool = False,
    n_resamples: int = 2000,
    console: Console | None = None,
) -> Reproduction:
    """Run a system's published protocol, and then an honest one with the same network, recipe and budget.

    Args:
        system: 1 to 5, or a name: brain_mri_efficientnet, efficient_mtnet, efficientnet_b0, brainmrnet,
            efficientnet_transformer.
        data: the folders of the data sets it needs, in order.
        out: folder for both runs (``published``, ``honest``), reproduction.json, report.html and run.json.
        model: another of the system's networks; None for the one the claim is about.
        overrides: of the recipe, as ``epochs=5``.
        quick: some hundred images, few epochs, small input; every output then says so.
        seed: of splits, training and bootstrap.
        resume: go on where `out` was left; what is finished is not trained again.
        n_resamples: of the bootstrap.
        console: where progress is shown; None for silence.

    Raises:
        DataError: an unknown system, or other data than it needs.
        ModelError: pretrained weights that cannot be had; says what to take in their place.
        RunError: `out` holds a run already, or one that was begun otherwise.
        RecipeError, SplitError: as they say.
    """
    record, console = Record("reproduce", seed=seed, resumed=resume), console or Console(quiet=True)
    chosen, folder = find_published_method(system), Path(out)
    recipe_of = _recipes(chosen, model, overrides, quick)
    recipe = recipe_of(())
    tables = _opened(chosen, data)
    for name in ("published", "honest"):
        check_run_folder(folder / name, resume and (folder / name / STARTED).is_file())
    _check_weights(recipe, len(tables[0].classes))
    with _status(console, "looking for copies") as step:
        pair = protocols(chosen, tables, seed=seed, quick=quick, progress=step)
    record.lap("protocols")
    sides = []
    for protocol in (pair.published, pair.honest):
        sides.append(
            _run(
                pair, protocol, recipe_of(protocol.overrides), folder,
                seed=seed, resume=resume, n_resamples=n_resamples, console=console,
            )
        )  # fmt: skip
        record.lap(protocol.name)
    found = Reproduction(
        system=chosen,
        published=sides[0],
        honest=sides[1],
        claims=chosen.claims_for(recipe),
        facts={
            "data": "+".join(table.name for table in tables),
            "images": len(pair.source),
            "quick": quick,
            "seed": seed,
            "n_resamples": n_resamples,
            "machine": _machine(sides[1]),
        },
    )
    write_reproduction(found, folder, record)
    return found


def _run(
    pair: ProtocolPair,
    protocol: EvaluationProtocol,
    recipe: Recipe,
    out: Path,
    *,
    seed: int,
    resume: bool,
    n_resamples: int,
    console: Console,
) -> ProtocolResult:
    """Train and evaluate one protocol; the published one may leak and measure boxes, for that is what it did."""
    folder, published = out / protocol.name, protocol.name == "published"
    console.print(f"{protocol.name} protocol: {protocol.rule}", style="bold", highlight=False, soft_wrap=True)
    run = train(
        protocol.table,
        recipe,
        folder,
        seed=seed,
        resume=resume and (folder / STARTED).is_file(),
        allow_leak=published,
        console=console,
    )
    found = {}
    for part in protocol.parts:
        record = Record("evaluate")
        with _status(console, f"measuring the {part} part") as step:
            found[part] = evaluate(
                run,
                subset=part,
                allow_box_masks=published,
                analyses={"region_occlusion": False},  # no claim is about it, and it would take three times as long
                seed=seed,
                n_resamples=n_resamples,
                progress=step,
            )
        write_evaluation(run, found[part], run.evaluation_folder(part), record)
    apart = {part: _apart(pair.known(protocol, part), one) for part, one in found.items() if part != "train"}
    return ProtocolResult(protocol, recipe, run, found, apart)


def _apart(known: dict[str, set[str]], found: Evaluation) -> LeakedAndClean | None:
    """The images that are known from training, and the others."""
    classes, facts = found.metrics.classes, found.facts
    labels = np.array([classes.index(sample.label) for sample in found.samples])
    units = [sample.unit for sample in found.samples]
    bootstrap = ClusterBootstrap(units, facts.unit, facts.n_resamples, facts.seed)
    cases = found.segmentation.cases if found.segmentation else ()
    return leaked_and_clean(known, found.samples, found.probabilities, labels, bootstrap, classes, cases)


@contextlib.contextmanager
def _status(console: Console, what: str) -> Iterator[Progress]:
    """A line that says how far the work is, for as long as it lasts."""
    with console.status(what) as line:
        yield lambda stage, done, total: line.update(f"{what}, {stage}: {done:,}/{total or 0:,}")


def _recipes(
    system: PublishedMethod, model: str | None, overrides: Sequence[str], quick: bool
) -> Callable[[Sequence[str]], Recipe]:
    """The recipe with further overrides; what the user asks for counts more than what is quick."""
    short = quick_overrides(system.recipe(model, overrides)) if quick else ()
    return lambda further: system.recipe(model, [*short, *overrides, *further])


def _opened(system: PublishedMethod, data: Sequence[str | Path]) -> list[Table]:
    """The tables of the sets a system needs, each recognized as what it should be."""
    wanted = f"system {system.number} ({system.name}) needs {' and then '.join(system.needs)}: {system.get}"
    if len(data) != len(system.needs):
        raise DataError(f"{len(data)} data sets given; {wanted}")
    tables = []
    for source, name in zip(data, system.needs, strict=True):
        folder = Path(str(source).removeprefix(f"{name}:")).expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; {wanted}")
        found = next(
            (set_.card.name for set_ in DATASETS.values() if set_.recognizes(folder)), "no data set known here"
        )
        if found != name:
            raise DataError(f"{folder}: {found} found; {wanted}")
        tables.append(open_table(f"{name}:{folder}", unannotated="ignore"))
    return tables


def _check_weights(recipe: Recipe, classes: int) -> None:
    """See that the pretrained weights can be had, before anything costly is done.

    Raises:
        ModelError: they cannot; says what to take in their place.
    """
    if recipe.pretrained == "none":
        return
    network = create(recipe.model, classes, channels=recipe.input.channels, options=recipe.options)
    try:
        load_pretrained(network, recipe.model, recipe.pretrained)
    except ModelError as error:
        lite = "efficientnet_lite0" + "_transformer" * recipe.model.endswith("_transformer")
        raise ModelError(
            f"{error}; or run another network, whose weights come as a package (--set model={lite} "
            "--set pretrained=package), or start from none (--set pretrained=none); the result then says so"
        ) from None


def _machine(side: ProtocolResult) -> dict[str, Any]:
    """What it ran on."""
    device = side.run.record.device
    graphics = torch.cuda.get_device_name() if device.startswith("cuda") and torch.cuda.is_available() else None
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "graphics_card": graphics,
        "precision": side.run.record.precision,
    }
