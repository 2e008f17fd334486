"""tumorlens data: what sets there are, how to get them, and how to split them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    console,
    emit,
    facts,
    grid,
    progress,
    say,
    show,
)

if TYPE_CHECKING:
    from tumorlens.datasets import Table

app = typer.Typer(help="Data sets: list, describe, get, draw, split.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a data set, as in: tumorlens data list")]
TrueMasks = Annotated[
    str | None,
    typer.Option(
        "--true-masks",
        metavar="SOURCE",
        help="Take masks and patients from the set the images were made of, as figshare:FOLDER.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="The table to write, .csv.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """List the data sets tumorlens knows."""
    from tumorlens.datasets import DATASETS

    cards = [d.card for d in DATASETS.values()]
    if json:
        return emit([{"name": c.name, "images": c.images, "classes": c.classes, "license": c.license} for c in cards])
    table = grid("name", "images", "patients", "license", "what")
    for c in cards:
        table.add_row(c.name, str(c.images or "varies"), str(c.patients or "unknown"), c.license, c.summary)
    show(table)


@app.command()
def info(name: Name, json: Json = False) -> None:
    """Describe a data set. Layout, license, citation, and what is known to be wrong with it."""
    from dataclasses import asdict

    from tumorlens.datasets import dataset

    card = asdict(dataset(name).card)
    if json:
        return emit(card)
    show(facts({key: _words(key, value) for key, value in card.items() if value not in (None, "", ())}))


@app.command()
def get(name: Name, folder: Annotated[Path, typer.Argument(help="Where to put it.")], json: Json = False) -> None:
    """Fetch a data set from its original home. With checksums; a broken transfer goes on where it stopped."""
    from rich.progress import DownloadColumn, Progress, TaskID, TransferSpeedColumn

    from tumorlens.datasets import dataset
    from tumorlens.errors import DataError

    chosen = dataset(name)
    if chosen.get is None:
        raise DataError(f"{name}: nothing to fetch; {chosen.card.layout}")
    screen = console()
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def step(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done, total=total)

        place = chosen.get(folder, step)
    table = chosen.read(place)
    _said(table, place, json)


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    patients: Annotated[int, typer.Option(help="Number of heads, shared evenly by the four classes.")] = 40,
    slices: Annotated[int, typer.Option(help="Slices of each head.")] = 4,
    size: Annotated[int | None, typer.Option(help="Side of the images, pixels; varied if left out.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw heads with and without tumors. With masks and patient ids, for tests and demonstrations."""
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make

    with progress("drawing") as step:
        make(folder, patients=patients, slices=slices, seed=seed, size=size, progress=step)
    _said(open_table(folder), folder, json)


@app.command()
def table(
    data: Data,
    out: Out,
    unannotated: Unannotated = "error",
    true_masks: TrueMasks = None,
    json: Json = False,
) -> None:
    """Write a table of one or several data sets. A CSV file to look at, edit or split."""
    from tumorlens.auditing import without_torn_split
    from tumorlens.datasets import open_tables, write_table

    made = open_tables(data, unannotated=unannotated)
    if true_masks:
        made = without_torn_split(_with_true_masks(made, true_masks))
    _said(made, write_table(made, out), json)


@app.command()
def split(
    data: Data,
    out: Out,
    folds: Folds = 5,
    fold: Fold = 0,
    val: Val = 0.1,
    given: Given = False,
    ignore_patients: IgnorePatients = False,
    unannotated: Unannotated = "error",
    true_masks: TrueMasks = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Split data into train, val and test. By patient, stratified by class; `train` takes the file."""
    from tumorlens.auditing import find_linked_groups, split_folds, split_given, with_groups
    from tumorlens.datasets import open_tables, write_table

    source = open_tables(data, unannotated=unannotated)
    if true_masks:
        source = _with_true_masks(source, true_masks)
    if given:
        made = split_given(source, val=val, seed=seed, ignore_patients=ignore_patients)
    else:
        if not ignore_patients and not true_masks:
            with progress("looking for copies") as step:
                source = with_groups(source, find_linked_groups(source, progress=step))
        made = split_folds(source, folds=folds, fold=fold, val=val, seed=seed, ignore_patients=ignore_patients)
    _said(made, write_table(made, out), json)


def _with_true_masks(table: Table, source: str) -> Table:
    """Masks and patients from the set that the images were made of."""
    from tumorlens.auditing import true_masks
    from tumorlens.datasets import open_table

    known = open_table(source)
    with progress("looking for the slices") as step:
        return true_masks(table, known, progress=step)


def _said(made: Table, place: Path, json: bool) -> None:
    """Say how many images and patients of each class are in each split."""
    from tumorlens.datasets import SPLITS

    parts = [part for part in (*SPLITS, None) if any(s.split == part for s in made.samples)]
    counts = [
        {
            "split": part or "none",
            "images": sum(s.split == part for s in made.samples),
            "patients": len({s.patient for s in made.samples if s.split == part and s.patient}),
            **{c: sum(s.split == part and s.label == c for s in made.samples) for c in made.classes},
        }
        for part in parts
    ]
    plan = made.plan.to_dict() if made.plan else None
    if json:
        return emit(
            {"path": str(place), "name": made.name, "counts": counts, "split": plan, "split_hash": made.split_hash}
        )
    table = grid(*counts[0])
    for row in counts:
        table.add_row(*(str(v or "unknown") if k == "patients" else str(v) for k, v in row.items()))
    show(table)
    if made.plan:
        show(f"split by {made.plan.by}; hash {made.split_hash[:16]}")
    for note in made.notes:
        say(f"note: {note}")
    say(f"written: {place}")


def _words(key: str, value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return "\n".join(f"- {item}" for item in value) if key == "problems" else ", ".join(value)
