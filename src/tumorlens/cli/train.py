"""tumorlens train: recipe + data -> run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import (
    Data,
    Fold,
    Folds,
    Given,
    IgnorePatients,
    Json,
    Seed,
    Unannotated,
    Val,
    caution,
    console,
    emit,
    loading,
    progress,
    say,
    show,
)

_HOW = {"twin": "a copy", "patient": "their patient"}


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The run's folder, new.")],
    recipe: Annotated[str, typer.Option(help="A shipped recipe or a YAML file.")] = "finetune",
    change: Annotated[
        list[str], typer.Option("--set", help="Change a value of the recipe, as in optimizer.lr=3e-4; repeatable.")
    ] = [],  # noqa: B006 (typer copies it)
    pretrained: Annotated[
        str | None, typer.Option(help="none, imagenet, package, hub, or a weights file; as --set pretrained=...")
    ] = None,
    folds: Folds = 5,
    fold: Fold = 0,
    val: Val = 0.1,
    given: Given = False,
    ignore_patients: IgnorePatients = False,
    unannotated: Unannotated = "error",
    split_seed: Annotated[int, typer.Option(help="Seed of the split, apart from that of the training.")] = 0,
    seed: Seed = 0,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Train although test or validation is known from train.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch in --out.")] = False,
    json: Json = False,
) -> None:
    """Train a network. Data without a split is split by patient first; the test part is never touched."""
    with loading():
        from tumorlens.auditing import find_ties, regrouped, split_folds, split_given
        from tumorlens.datasets import open_tables
        from tumorlens.training import load_recipe
        from tumorlens.training import train as work

    chosen = load_recipe(recipe, [*change, *([f"pretrained={pretrained}"] if pretrained else [])])
    table = open_tables(data, unannotated=unannotated)
    if given:
        table = split_given(table, val=val, seed=split_seed, ignore_patients=ignore_patients)
    elif table.plan is None:
        if not ignore_patients:
            with progress("looking for copies") as step:
                table = regrouped(table, find_ties(table, progress=step))
        table = split_folds(table, folds=folds, fold=fold, val=val, seed=split_seed, ignore_patients=ignore_patients)
    if table.plan and table.plan.by == "image, patients ignored":
        caution("patients are torn apart on request: test figures will be too high")
    run = work(table, chosen, out, seed=seed, resume=resume, allow_leak=allow_leak, console=console())
    for leak in run.record["leaks"]:
        caution(f"{leak['images']} of {leak['of']} {leak['part']} images are known from train, by {_HOW[leak['by']]}")
    if json:
        return emit(run.record | {"folder": str(run.folder)})
    kept = run.record["validation"]
    figures = f", validation accuracy {kept['val_accuracy']:.1%}" if "val_accuracy" in kept else ""
    show(f"kept epoch {run.record['epoch_kept']}{figures}")
    say(f"written: {run.folder}")
    say(f"next: tumorlens evaluate {run.folder}")
