"""Table + recipe -> CrossValidation: one run per fold, each evaluated on the fold held out from its training."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record
from tumorlens._results_folder import claim_folder
from tumorlens.auditing import split_folds
from tumorlens.datasets import Table
from tumorlens.errors import RunError
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.experiments.cross_validation.cross_validation_files import write_cross_validation
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold, pool
from tumorlens.training import Recipe, Run, train
from tumorlens.training.checks import check_fit
from tumorlens.training.training_start import STARTED, check_resumable

LOGGER = logging.getLogger(__name__)


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
    progress: ProgressOption = None,
) -> CrossValidation:
    """Train once per fold on all other folds, evaluate each run on its held-out fold, and pool the predictions.

    Args:
        table: an existing split of it is replaced.
        recipe: of every training.
        out: folder for one run per fold (``fold-0`` and so on), cross_validation.json, predictions.csv and report.html.
        folds: number of folds.
        val: share of the training folds that becomes validation.
        split_seed: of the folds.
        seed: of every training and of the bootstrap.
        image_level: split by image, even where patients are known; results then report this.
        resume: continue an interrupted cross-validation; finished runs are only evaluated again.
        allow_leak: as in `tumorlens.training.train`.
        analyses: as in `tumorlens.evaluate`, for each fold.
        n_resamples: of the bootstrap by patient.
        progress: a callable, True for bars, None for silence; its stages occur once in each fold.

    Raises:
        ResultsFolderError: `out` holds other files, or another process is writing to it.
        RunError: there is nothing to resume.
        SplitError: a class has fewer patients than there are folds, or an argument is out of range.
        TumorlensError: as `tumorlens.training.train` and `tumorlens.evaluate`.

    Example:
        >>> import tumorlens
        >>> table = tumorlens.open_table("phantoms")  # the folder has 24 synthetic images of 12 patients
        >>> recipe = tumorlens.load_recipe("demo", ["epochs=1", "input.size=32"])
        >>> skipped = {"region_occlusion": False}
        >>> result = tumorlens.cross_validate(table, recipe, "folds", folds=3, analyses=skipped, n_resamples=100)
        >>> result.pooled.metrics.overall["accuracy"].evidence
        '24 images, 12 patients'
    """
    folder = Path(out)
    tables = [
        split_folds(table, folds=folds, fold=number, val=val, seed=split_seed, image_level=image_level)
        for number in range(folds)
    ]
    run_folders = [folder / f"fold-{number}" for number in range(folds)]
    _check(tables[0], recipe, run_folders, resume)
    record = Record("train", seed=seed, resumed=resume)
    results = []
    with progress_of(progress) as shown, claim_folder(folder, started=resume):
        for number, (split, run_folder) in enumerate(zip(tables, run_folders, strict=True)):
            LOGGER.info("fold %d/%d", number + 1, folds)
            started = resume and (run_folder / STARTED).is_file()
            run = train(split, recipe, run_folder, seed=seed, resume=started, allow_leak=allow_leak, progress=shown)
            results.append(_evaluated(number, run, analyses, n_resamples, seed, shown))
            record.lap(f"fold-{number}")
        result = pool(results, name=folder.resolve().name)
        write_cross_validation(result, folder, record)
    return result


def _check(table: Table, recipe: Recipe, run_folders: list[Path], resume: bool) -> None:
    """Check before hours of training that no run would be overwritten and that the recipe fits the data."""
    if resume and not any((folder / STARTED).is_file() for folder in run_folders):
        raise RunError(
            file=run_folders[0].parent,
            found="holds no fold, so there is nothing to resume",
            expected="the folder of a cross-validation that was started",
            advice="train without --resume",
        )
    if not resume:
        for folder in run_folders:
            check_resumable(folder, resume=False)
    check_fit(table, recipe).network()


def _evaluated(
    number: int, run: Run, analyses: Mapping[str, bool] | None, n_resamples: int, seed: int, progress: Progress
) -> Fold:
    record = Record("evaluate")
    evaluation = evaluate(run, analyses=analyses, n_resamples=n_resamples, seed=seed, progress=progress)
    write_evaluation(run, evaluation, run.evaluation_folder(), record)
    return Fold(number, run, evaluation)
