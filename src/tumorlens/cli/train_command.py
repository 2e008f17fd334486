"""tumorlens train: recipe + data -> run, cross-validation, or ablation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    Data,
    ExitCode,
    Folds,
    Json,
    KeepSplit,
    Panel,
    SplitBy,
    Unannotated,
    Val,
    caveat,
    fail,
    grid,
    loading,
    output_folder,
    print_json,
    print_status,
    progress,
    seed_option,
    show,
)
from tumorlens.cli.evaluate_command import show_evaluation
from tumorlens.errors import SplitError

if TYPE_CHECKING:
    from tumorlens.datasets import Table
    from tumorlens.experiments.ablation import Ablation
    from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
    from tumorlens.training import Run

_LEAKS = {"duplicate": "have a duplicate in train", "patient": "show a patient who is also in train"}

OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder of the run, new; runs/train/NAME by default, NAME is that of the recipe.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
RecipeOption = Annotated[str, typer.Option(help="A recipe that ships, or a YAML file.", rich_help_panel=Panel.TRAINING)]
Changes = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Change a recipe value, as optimizer.lr=3e-4; repeatable.",
        show_default=False,
        rich_help_panel=Panel.TRAINING,
    ),
]
Variants = Annotated[
    list[str],
    typer.Option(
        "--variant",
        help="Ablation: train one variant per --variant on the same split, and compare each with the first; "
        "changes as in --set, with spaces between; repeatable.",
        show_default=False,
        rich_help_panel=Panel.TRAINING,
    ),
]
Pretrained = Annotated[
    str | None,
    typer.Option(
        help="Initial weights: none, imagenet, package, hub, or a file; as --set pretrained=...",
        show_default=False,
        rich_help_panel=Panel.TRAINING,
    ),
]
HeldOut = Annotated[
    str,
    typer.Option(
        help="Fold held out as the test subset, from 0; all: cross-validation; none: train on all data, without test.",
        rich_help_panel=Panel.SPLIT,
    ),
]
SplitSeed = Annotated[
    int, typer.Option(help="Random seed of the split; --seed is that of the training.", rich_help_panel=Panel.SPLIT)
]
AllowLeak = Annotated[
    bool,
    typer.Option(
        "--allow-leak/--no-allow-leak",
        help="Train even if test or validation images leak from train.",
        rich_help_panel=Panel.TRAINING,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Continue an interrupted training after its last finished epoch.",
        rich_help_panel=Panel.TRAINING,
    ),
]


def train(
    data: Data,
    out_dir: OutDir = None,
    recipe: RecipeOption = "finetune",
    change: Changes = [],  # noqa: B006 (typer copies it)
    variant: Variants = [],  # noqa: B006
    pretrained: Pretrained = None,
    folds: Folds = 5,
    fold: HeldOut = "0",
    val: Val = 0.1,
    keep_split: KeepSplit = False,
    split_by: SplitBy = "patient",
    unannotated: Unannotated = "error",
    split_seed: SplitSeed = 0,
    seed: Annotated[int, seed_option(Panel.TRAINING)] = 0,
    allow_leak: AllowLeak = False,
    resume: Resume = False,
    json: Json = False,
) -> int:
    """Train a network. Splits the data by patient if it has no split; never reads the test subset."""
    with loading():
        from tumorlens.datasets import open_tables
        from tumorlens.training import load_recipe
        from tumorlens.training import train as train_run

    held_out = _held_out(fold, keep_split=keep_split, variants=bool(variant))
    changes = [*change, *([f"pretrained={pretrained}"] if pretrained else [])]
    chosen = load_recipe(recipe, changes)
    if variant:
        from tumorlens.experiments.ablation import parse_variants, run_ablation

        variants = parse_variants(recipe, variant, changes)
    table = _split(
        open_tables(data, unannotated=unannotated),
        held_out,
        folds=folds,
        val=val,
        keep_split=keep_split,
        image_level=split_by == "image",
        seed=split_seed,
    )
    if table.plan and table.plan.by == "image_ignoring_patients":
        caveat("patients are split across subsets (--split-by image): the metrics on test will be too high")
    with output_folder(out_dir, "train", chosen.name, resume=resume) as folder:
        if held_out == "all":
            from tumorlens.experiments.cross_validation.folds import cross_validate

            with progress() as step:
                crossed = cross_validate(
                    table, chosen, folder, folds=folds, val=val, split_seed=split_seed, seed=seed, resume=resume,
                    image_level=split_by == "image", allow_leak=allow_leak, progress=step,
                )  # fmt: skip
            return _report_folds(crossed, folder, json=json)
        if variant:
            with progress() as step:
                ablation = run_ablation(
                    table, variants, folder, seed=seed, resume=resume, allow_leak=allow_leak, progress=step
                )
            return _report_ablation(ablation, folder, json=json)
        with progress() as step:
            run = train_run(table, chosen, folder, seed=seed, resume=resume, allow_leak=allow_leak, progress=step)
        return _report_run(run, json=json)


def _held_out(fold: str, *, keep_split: bool, variants: bool) -> str:
    """The fold that becomes the test subset: a number, ``"all"`` for each in turn, or ``"none"``."""
    if fold in ("all", "none"):
        if keep_split or variants:
            raise typer.BadParameter(f"--fold {fold} makes its own split; leave out --keep-split and --variant")
    elif not fold.isdecimal():
        raise typer.BadParameter(f"'{fold}' for --fold; expected a number from 0, all, or none")
    return fold


def _split(
    table: Table, held_out: str, *, folds: int, val: float, keep_split: bool, image_level: bool, seed: int
) -> Table:
    """The table with a split; a table that has one keeps it, and cross-validation splits later."""
    from tumorlens.auditing import split_folds, split_given, split_whole

    if keep_split:
        return split_given(table, val=val, seed=seed, image_level=image_level)
    if table.plan is None:
        table = table if image_level else _with_duplicates_in_groups(table)
        if held_out == "none":
            return split_whole(table, val=val, seed=seed, image_level=image_level)
        if held_out == "all":
            return table
        return split_folds(table, folds=folds, fold=int(held_out), val=val, seed=seed, image_level=image_level)
    if held_out in ("all", "none"):
        raise SplitError(
            found=f"{table.name}: has a split, and --fold {held_out} makes its own",
            expected="data without a split",
            advice="leave out --fold to train on its split, or give the data itself",
        )
    return table


def _with_duplicates_in_groups(table: Table) -> Table:
    """The table with duplicates in one group, so that no split separates them."""
    from tumorlens.auditing import find_linked_groups, with_groups

    with progress() as step:
        return with_groups(table, find_linked_groups(table, progress=step))


def _caveats(run: Run) -> None:
    """Print the limitations of the data that a run was trained on."""
    for leak in run.record.leaks:
        caveat(f"{leak.images} of {leak.of} {leak.subset} images {_LEAKS[leak.by]}")
    if empty := run.record.empty_masks:
        caveat(
            f"{len(empty)} images of a tumor class have an empty mask, the first is {empty[0]}: the network learns to "
            "miss these tumors; add the missing outlines, or leave the images out"
        )
    for subset, images in run.record.counts.items():
        masks = getattr(run.record.masks, subset, None)
        if masks and masks.none:
            caveat(f"{masks.none} of {images.images} {subset} images have no mask and count for their class alone")


def _validation(metrics: Mapping[str, float]) -> list[str]:
    """The metrics of a validation subset, in words."""
    from tumorlens.report.text import number

    words = {"val_accuracy": "validation accuracy", "val_dice": "validation Dice"}
    return [
        f"{word} {number(metrics[key], percent=key == 'val_accuracy')}" for key, word in words.items() if key in metrics
    ]


def _report_run(run: Run, *, json: bool) -> int:
    """Print the result of one training, and the next command."""
    _caveats(run)
    if json:
        print_json(run.record.to_dict() | {"folder": str(run.folder)})
        return ExitCode.DONE
    show(", ".join([f"kept epoch {run.record.epoch_kept}", *_validation(run.record.validation)]))
    print_status(f"written: {run.folder}")
    tested = "test" in run.record.counts
    print_status(f"next: tumorlens {'evaluate' if tested else 'export'} {run.folder}")
    return ExitCode.DONE


def _report_folds(found: CrossValidation, folder: Path, *, json: bool) -> int:
    """Print the metrics of each fold, and those over all folds."""
    if json:
        print_json(found.to_dict() | {"folder": str(folder)})
        return ExitCode.DONE
    segments = found.pooled.segmentation is not None
    table = grid("\nfold", "\nimages", "accuracy\n(95 % interval)", *(["Dice\n(95 % interval)"] if segments else []))
    for fold in found.folds:
        evaluation = fold.evaluation
        dice = [str(evaluation.segmentation.overall["dice"])] if evaluation.segmentation else []
        accuracy = evaluation.metrics.overall["accuracy"].percent()
        table.add_row(str(fold.number), str(len(evaluation.samples)), accuracy, *dice)
    show(table)
    if validation := _validation(found.validation):
        show(f"over all folds {', '.join(validation)}; choose between recipes by these\n")
    show_evaluation(found.pooled)
    print_status(f"written: {folder / 'report.html'}")
    return ExitCode.DONE


def _report_ablation(found: Ablation, folder: Path, *, json: bool) -> int:
    """Print one table of all variants, and the variants that failed."""
    from tumorlens.experiments.ablation import ABLATION
    from tumorlens.report.text import points

    _caveats(found.results[0].run)
    if json:
        print_json(found.to_dict() | {"folder": str(folder)})
    else:
        show(f"{found.facts.data}, test: {found.results[0].accuracy.evidence}\n")
        table = grid("\nvariant", "accuracy\n(95 % interval)", "difference from the first, paired\n(95 % interval)")
        for result in found.results:
            difference = points(result.comparison.accuracy) if result.comparison else "-"
            table.add_row(" ".join(result.variant.overrides), result.accuracy.percent(), difference)
        show(table)
        for text in found.caveats:
            caveat(text)
        print_status(f"written: {folder / ABLATION}")
    for name, reason in found.failed.items():
        fail(f"variant {name}: {reason}")
    return ExitCode.FAILED if found.failed else ExitCode.DONE
