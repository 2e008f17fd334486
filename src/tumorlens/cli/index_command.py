"""tumorlens index: data -> a reference index, which the audit searches for the source of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.common import Data, Json, Panel, print_json, print_status, progress, show


def index(
    data: Data,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="The index to write, .npz.",
            show_default=False,
            rich_help_panel=Panel.OUTPUT,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the set in audit reports; its own by default.",
            show_default=False,
            rich_help_panel=Panel.DATA,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Build a reference index of a data set. For audit --index; it holds hashes, patients and labels, no images."""
    from tumorlens.auditing import build_index
    from tumorlens.datasets import open_tables

    table = open_tables(data, unannotated="keep")
    with progress() as step:
        made = build_index(table, name=name, progress=step)
    made.save(output)
    patients = len({patient for patient in made.patients if patient})
    if json:
        return print_json({"path": str(output), "name": made.name, "slices": len(made), "patients": patients})
    show(f"{made.name}: {len(made):,} of {len(table):,} images indexed, patients: {patients or 'unknown'}")
    print_status(f"written: {output}")
