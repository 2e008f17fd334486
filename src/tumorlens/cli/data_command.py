"""tumorlens data: the known data sets, how to get them, and how to split them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    Data,
    Fold,
    Folds,
    Json,
    KeepSplit,
    Panel,
    SplitBy,
    Unannotated,
    Val,
    facts,
    grid,
    print_json,
    print_status,
    progress,
    seed_option,
    show,
)

if TYPE_CHECKING:
    from tumorlens.datasets import Table

app = typer.Typer(help="Data sets: list, describe, download, generate, split.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a data set, as in: tumorlens data list")]
ReferenceMasks = Annotated[
    str | None,
    typer.Option(
        "--reference-masks",
        metavar="SOURCE",
        help="Take masks and patients from the set that the images were copied from, as figshare:FOLDER.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        dir_okay=False,
        help="The table to write, .csv.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
Patients = Annotated[
    int | None,
    typer.Option(
        help="Number of patients, divided evenly among the four classes; 40 by default, 1 with --study.",
        min=1,
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Slices = Annotated[
    int | None,
    typer.Option(
        help="Slices per patient, 4 by default; with --study per series, 24 by default.",
        min=1,
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        help="Height and width of the images, pixels; varies by default, 192 with --study.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]


@app.command("list")
def list_(json: Json = False) -> None:
    """List the data sets that tumorlens knows."""
    from tumorlens.datasets import DATASETS

    cards = [d.card for d in DATASETS.values()]
    if json:
        return print_json(
            [{"name": c.name, "images": c.images, "classes": c.classes, "license": c.license} for c in cards]
        )
    table = grid("name", "images", "patients", "license", "description")
    for c in cards:
        table.add_row(c.name, str(c.images or "varies"), str(c.patients or "unknown"), c.license, c.summary)
    show(table)


@app.command()
def info(name: Name, json: Json = False) -> None:
    """Describe a data set. Layout, license, citation, and its known problems."""
    from dataclasses import asdict

    from tumorlens.datasets import dataset

    card = asdict(dataset(name).card)
    if json:
        return print_json(card)
    show(facts({key: _words(key, value) for key, value in card.items() if value not in (None, "", ())}))


@app.command()
def get(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Folder to download into.", show_default=False)],
    json: Json = False,
) -> None:
    """Download a data set from its original source. Checks checksums; a broken download continues where it stopped."""
    from tumorlens.datasets import dataset
    from tumorlens.errors import DataError

    chosen = dataset(name)
    if chosen.get is None:
        raise DataError(found=f"{name}: has no download", advice=f"prepare a folder that holds: {chosen.card.layout}")
    with progress(in_bytes=True) as step:
        place = chosen.get(folder, step)
    _report(chosen.read(place), place, json)


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
    patients: Patients = None,
    slices: Slices = None,
    size: Size = None,
    study: Annotated[
        bool,
        typer.Option(
            "--study/--no-study",
            help="Write DICOM studies (localizer, T1, T1 with contrast, T2, FLAIR, diffusion, CT, "
            "and enhanced multi-frame and mosaic files) in place of a table.",
            rich_help_panel=Panel.DATA,
        ),
    ] = False,
    seed: Annotated[int, seed_option(Panel.DATA)] = 0,
    json: Json = False,
) -> None:
    """Generate synthetic phantoms with and without tumors. With masks and patient ids, for tests and demonstrations."""
    from tumorlens.datasets import open_table
    from tumorlens.datasets.phantom import make, phantom_studies

    with progress() as step:
        if study:
            phantom_studies(
                folder, patients=patients or 1, slices=slices or 24, seed=seed, size=size or 192, progress=step
            )
        else:
            make(folder, patients=patients or 40, slices=slices or 4, seed=seed, size=size, progress=step)
    if not study:
        return _report(open_table(folder), folder, json)
    names = sorted(place.name for place in folder.iterdir())
    if json:
        return print_json({"path": str(folder), "studies": names})
    print_status(f"written: {len(names)} {'study' if len(names) == 1 else 'studies'} in {folder}")


@app.command()
def table(
    data: Data,
    output: Output,
    unannotated: Unannotated = "error",
    reference_masks: ReferenceMasks = None,
    json: Json = False,
) -> None:
    """Write a table of one or several data sets. A CSV file to read, edit or split."""
    from tumorlens.auditing import without_patient_leakage
    from tumorlens.datasets import open_tables, write_table

    made = open_tables(data, unannotated=unannotated)
    if reference_masks:
        made = without_patient_leakage(_with_reference_masks(made, reference_masks))
    _report(made, write_table(made, output), json)


@app.command()
def split(
    data: Data,
    output: Output,
    folds: Folds = 5,
    fold: Fold = 0,
    val: Val = 0.1,
    keep_split: KeepSplit = False,
    split_by: SplitBy = "patient",
    unannotated: Unannotated = "error",
    reference_masks: ReferenceMasks = None,
    seed: Annotated[int, seed_option(Panel.SPLIT)] = 0,
    json: Json = False,
) -> None:
    """Split data into train, val and test. By patient, stratified by class; `train` takes the file."""
    from tumorlens.auditing import find_linked_groups, split_folds, split_given, with_groups
    from tumorlens.datasets import open_tables, write_table

    image_level = split_by == "image"
    source = open_tables(data, unannotated=unannotated)
    if reference_masks:
        source = _with_reference_masks(source, reference_masks)
    if keep_split:
        made = split_given(source, val=val, seed=seed, image_level=image_level)
    else:
        if not image_level and not reference_masks:
            with progress() as step:
                source = with_groups(source, find_linked_groups(source, progress=step))
        made = split_folds(source, folds=folds, fold=fold, val=val, seed=seed, image_level=image_level)
    _report(made, write_table(made, output), json)


def _with_reference_masks(table: Table, source: str) -> Table:
    """The table with masks and patients from the set that its images were copied from."""
    from tumorlens.auditing import reference_masks
    from tumorlens.datasets import open_table

    original = open_table(source)
    with progress() as step:
        return reference_masks(table, original, progress=step)


def _report(made: Table, place: Path, json: bool) -> None:
    """Print how many images and patients of each class are in each subset."""
    from tumorlens.datasets import SPLITS

    subsets = [subset for subset in (*SPLITS, None) if any(s.split == subset for s in made.samples)]
    counts = [
        {
            "subset": subset or "none",
            "images": sum(s.split == subset for s in made.samples),
            "patients": len({s.patient for s in made.samples if s.split == subset and s.patient}),
            **{c: sum(s.split == subset and s.label == c for s in made.samples) for c in made.classes},
        }
        for subset in subsets
    ]
    plan = made.plan.to_dict() if made.plan else None
    if json:
        return print_json(
            {"path": str(place), "name": made.name, "counts": counts, "split": plan, "split_hash": made.split_hash}
        )
    table = grid(*counts[0])
    for row in counts:
        table.add_row(*(str(v or "unknown") if k == "patients" else str(v) for k, v in row.items()))
    show(table)
    if made.plan:
        show(f"split by {made.plan.level}; hash {made.split_hash[:16]}")
    print_status(f"written: {place}")


def _words(key: str, value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return "\n".join(f"- {item}" for item in value) if key == "problems" else ", ".join(value)
