"""tumorlens train: recipe + data -> run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    Data,
    Folds,
    Given,
    IgnorePatients,
    Json,
    Seed,
    Unannotated,
    Val,
    caveat,
    console,
    emit,
    fail,
    grid,
    loading,
    progress,
    say,
    show,
)
from tumorlens.cli.evaluate_command import show_evaluation
from tumorlens.errors import SplitError

if TYPE_CHECKING:
    from tumorlens.datasets import Table
    from tumorlens.experiments.ablation import Ablation
    from tumorlens.experiments.cross_validation.pooled_result import CrossValidation
    from tumorlens.training import Run

_HOW = {"duplicate": "a copy", "patient": "their patient"}


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The run's folder, new.")],
    recipe: Annotated[str, typer.Option(help="A shipped recipe or a YAML file.")] = "finetune",
    change: Annotated[
        list[str], typer.Option("--set", help="Change a value of the recipe, as in optimizer.lr=3e-4; repeatable.")
    ] = [],  # noqa: B006 (typer copies it)
    arm: Annotated[
        list[str],
        typer.Option(
            "--arm", help="Changes as in --set, with spaces between; repeatable: all are trained and held to the first."
        ),
    ] = [],  # noqa: B006
    pretrained: Annotated[
        str | None, typer.Option(help="none, imagenet, package, hub, or a weights file; as --set pretrained=...")
    ] = None,
    folds: Folds = 5,
    fold: Annotated[
        str,
        typer.Option(
            help="The fold held out as test, from 0; all: each in turn, with figures over all; none: no test part."
        ),
    ] = "0",
    val: Val = 0.1,
    given: Given = False,
    image_level: IgnorePatients = False,
    unannotated: Unannotated = "error",
    split_seed: Annotated[int, typer.Option(help="Seed of the split, apart from that of the training.")] = 0,
    seed: Seed = 0,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Train although test or validation is known from train.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch in --out.")] = False,
    json: Json = False,
) -> int:
    """Train a network. Data without a split is split by patient first; the test part is never touched."""
    with loading():
        from tumorlens.auditing import split_folds, split_given, split_whole
        from tumorlens.datasets import open_tables
        from tumorlens.training import load_recipe
        from tumorlens.training import train as work

    held = _held_out(fold, given=given, arms=bool(arm))
    changes = [*change, *([f"pretrained={pretrained}"] if pretrained else [])]
    chosen = load_recipe(recipe, changes)
    if arm:
        from tumorlens.experiments.ablation import parse_variants, run_ablation

        arms = parse_variants(recipe, arm, changes)
    table = open_tables(data, unannotated=unannotated)
    if given:
        table = split_given(table, val=val, seed=split_seed, image_level=image_level)
    elif table.plan is None:
        table = table if image_level else _with_copies_together(table)
        if held == "none":
            table = split_whole(table, val=val, seed=split_seed, image_level=image_level)
        elif held != "all":
            table = split_folds(
                table, folds=folds, fold=int(held), val=val, seed=split_seed, image_level=image_level
            )
    elif held in ("all", "none"):
        raise SplitError(f"{table.name}: has a split; --fold {held} makes its own, so give it the data without one")
    if table.plan and table.plan.by == "image, patients ignored":
        caveat("patients are torn apart on request: test figures will be too high")
    screen = console()
    if held == "all":
        from tumorlens.experiments.cross_validation.folds import cross_validate

        crossed = cross_validate(
            table, chosen, out, folds=folds, val=val, split_seed=split_seed, seed=seed, resume=resume,
            image_level=image_level, allow_leak=allow_leak, console=screen,
        )  # fmt: skip
        return _report_folds(crossed, out, json=json)
    if arm:
        found = run_ablation(table, arms, out, seed=seed, resume=resume, allow_leak=allow_leak, console=screen)
        return _report(found, out, json=json)
    run = work(table, chosen, out, seed=seed, resume=resume, allow_leak=allow_leak, console=screen)
    return _report_run(run, json=json)


def _with_copies_together(table: Table) -> Table:
    """The table with copies in one group, so that no split tears them apart."""
    from tumorlens.auditing import find_linked_groups, with_groups

    with progress("looking for copies") as step:
        return with_groups(table, find_linked_groups(table, progress=step))


def _held_out(fold: str, *, given: bool, arms: bool) -> str:
    """Which fold becomes test: a number, all for each in turn, or none."""
    if fold in ("all", "none"):
        if given or arms:
            raise typer.BadParameter(f"--fold {fold} makes a split of its own; leave out --given and --arm")
    elif not fold.isdecimal():
        raise typer.BadParameter(f"'{fold}' for --fold; expected a number from 0, all, or none")
    return fold


def _caveats(run: Run) -> None:
    """What must be known of what a run was trained on."""
    for leak in run.record["leaks"]:
        caveat(f"{leak['images']} of {leak['of']} {leak['part']} images are known from train, by {_HOW[leak['by']]}")
    if blank := run.record.get("empty_masks"):
        caveat(
            f"{len(blank)} of the masks of images with a tumor show none, the first is that of {blank[0]}: the "
            "network is taught to miss it; draw what is missing, or leave the images out"
        )
    for part, images in run.record["counts"].items():
        missing = (run.record.get("masks") or {}).get(part, {}).get("none")
        if missing:
            caveat(f"{missing} of {images['images']} {part} images have no mask and count for their class alone")


def _validation(figures: Mapping[str, float]) -> list[str]:
    """Figures of a validation part, in words."""
    words = {"val_accuracy": "validation accuracy {:.1%}", "val_dice": "validation Dice {:.3f}"}
    return [form.format(figures[key]) for key, form in words.items() if key in figures]


def _report_run(run: Run, *, json: bool) -> int:
    """What came of one training, and what to do next."""
    _caveats(run)
    if json:
        emit(run.record | {"folder": str(run.folder)})
        return 0
    show(", ".join([f"kept epoch {run.record['epoch_kept']}", *_validation(run.record["validation"])]))
    say(f"written: {run.folder}")
    tested = "test" in run.record["counts"]
    say(f"next: tumorlens {'evaluate' if tested else 'export'} {run.folder}")
    return 0


def _report_folds(found: CrossValidation, out: Path, *, json: bool) -> int:
    """The figures over all folds, and a line for each."""
    if json:
        emit(found.to_dict() | {"folder": str(out)})
        return 0
    draws = found.pooled.segmentation is not None
    folds = grid("\nfold", "\nimages", "accuracy\n(95 % interval)", *(["Dice\n(95 % interval)"] if draws else []))
    for fold in found.folds:
        evaluation = fold.evaluation
        drawn = [str(evaluation.segmentation.overall["dice"])] if evaluation.segmentation else []
        accuracy = evaluation.metrics.overall["accuracy"].percent()
        folds.add_row(str(fold.number), str(len(evaluation.samples)), accuracy, *drawn)
    show(folds)
    if chosen := _validation(found.validation):
        show(f"over all folds {', '.join(chosen)}; choose between recipes by these\n")
    show_evaluation(found.pooled)
    say(f"written: {out / 'report.html'}")
    return 0


def _report(found: Ablation, out: Path, *, json: bool) -> int:
    """One table of all arms."""
    from tumorlens.report.text import evidence, points

    _caveats(found.results[0].run)
    if json:
        emit(found.to_dict() | {"folder": str(out)})
    else:
        show(f"{found.facts['data']}, test: {evidence(found.results[0].accuracy)}\n")
        table = grid("\narm", "accuracy\n(95 % interval)", "difference to the first, paired\n(95 % interval)")
        for result in found.results:
            difference = points(result.comparison.accuracy) if result.comparison else "-"
            table.add_row(" ".join(result.variant.changes), result.accuracy.percent(), difference)
        show(table)
        for text in found.caveats:
            caveat(text)
        say(f"written: {out / 'sweep.json'}")
    for name, reason in found.failed.items():
        fail(f"arm {name}: {reason}", 1)
    return 1 if found.failed else 0
