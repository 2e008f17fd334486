"""Table + recipe -> one run for each fold, each measured on the fold that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from tumorlens._record import Record
from tumorlens.auditing import split_folds
from tumorlens.datasets import Table
from tumorlens.errors import RunError
from tumorlens.evaluation.evaluate import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.experiments.cross_validation.cross_validation_files import write_cross_validation
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold, pool
from tumorlens.training import Recipe, Run, train
from tumorlens.training.checks import check_fit
from tumorlens.training.training_start import STARTED, check_run_folder


def cross_validate(
    table: Table,
    recipe: Recipe,
    out: str | Path,
    *,
    folds: int = 5,
    val: float = 0.1,
    split_seed: int = 0,
    seed: int = 0,
    image_level: bool = False,
    resume: bool = False,
    allow_leak: bool = False,
    analyses: Mapping[str, bool] | None = None,
    n_resamples: int = 2000,
    console: Console | None = None,
) -> CrossValidation:
    """Train as often as there are folds, each time without one of them, and measure that one.

    Args:
        table: any; a split it has is replaced.
        recipe: the same for all.
        out: a folder ``fold-0`` and so on for each run in it, and crossval.json, predictions.csv and report.html.
        folds: how many.
        val: share of the rest that becomes validation.
        split_seed: of the folds.
        seed: of every training, and of the bootstrap.
        image_level: divide images, even where patients are known. Results then say so.
        resume: go on where it stopped; runs that are finished stay as they are, and are measured again.
        allow_leak: as `tumorlens.training.train`.
        analyses: as in `tumorlens.evaluation.evaluate`, for each fold.
        n_resamples: of the bootstrap by patient.
        console: where progress is shown; None for silence.

    Raises:
        RunError: a folder holds a run already, or there is nothing to resume.
        SplitError: a class has fewer patients than there are folds, or an argument is out of range.
        TumorlensError: as `tumorlens.training.train` and `tumorlens.evaluation.evaluate`.
    """
    folder, console = Path(out), console or Console(quiet=True)
    parts = [
        split_folds(table, folds=folds, fold=number, val=val, seed=split_seed, image_level=image_level)
        for number in range(folds)
    ]
    own = [folder / f"fold-{number}" for number in range(folds)]
    _check(parts[0], recipe, own, resume)
    record = Record("train", seed=seed, resumed=resume)
    found = []
    for number, (part, place) in enumerate(zip(parts, own, strict=True)):
        console.print(f"fold {number + 1}/{folds}", highlight=False)
        started = resume and (place / STARTED).is_file()
        run = train(part, recipe, place, seed=seed, resume=started, allow_leak=allow_leak, console=console)
        found.append(_measured(number, run, analyses, n_resamples, seed, console))
        record.lap(f"fold-{number}")
    pooled = pool(found, name=folder.resolve().name)
    write_cross_validation(pooled, folder, record)
    return pooled


def _check(part: Table, recipe: Recipe, own: list[Path], resume: bool) -> None:
    """See that nothing will be overwritten, and that the recipe fits, before hours are spent."""
    if resume and not any((place / STARTED).is_file() for place in own):
        raise RunError(f"{own[0].parent}: holds no fold, so there is nothing to resume; train without --resume")
    if not resume:
        for place in own:
            check_run_folder(place, resume=False)
    check_fit(part, recipe).network()


def _measured(
    number: int, run: Run, analyses: Mapping[str, bool] | None, n_resamples: int, seed: int, console: Console
) -> Fold:
    record = Record("evaluate")
    with console.status("measuring") as status:
        evaluation = evaluate(
            run,
            analyses=analyses,
            n_resamples=n_resamples,
            seed=seed,
            progress=lambda stage, done, total: status.update(f"{stage} {done}/{total}"),
        )
    write_evaluation(run, evaluation, run.evaluation_folder(), record)
    return Fold(number, run, evaluation)
