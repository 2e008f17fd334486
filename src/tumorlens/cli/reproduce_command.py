"""tumorlens reproduce: published method + data -> its claim, its own protocol and a leak-free one side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    BootstrapSize,
    Json,
    Panel,
    caveat,
    grid,
    loading,
    output_folder,
    print_json,
    print_status,
    progress,
    seed_option,
    show,
)

if TYPE_CHECKING:
    from tumorlens.experiments.reproduction.reproduction_result import Reproduction

Method = Annotated[
    str,
    typer.Argument(
        help="A published method, number or name: 1 brain_mri_efficientnet, 2 efficient_mtnet, 3 efficientnet_b0, "
        "4 brainmrnet, 5 efficientnet_transformer.",
        show_default=False,
    ),
]
MethodData = Annotated[
    list[str], typer.Argument(help="The folder of its data set; two for method 2.", show_default=False)
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder for both runs and the report; runs/reproduce/NAME by default.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
NetworkName = Annotated[
    str | None,
    typer.Option(
        help="Another network of the method, such as vgg16.",
        show_default=False,
        rich_help_panel=Panel.TRAINING,
    ),
]
Changes = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Change a recipe value in both runs, as epochs=5; repeatable.",
        show_default=False,
        rich_help_panel=Panel.TRAINING,
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick/--no-quick",
        help="Smoke test: few epochs, small input, some hundred images.",
        rich_help_panel=Panel.TRAINING,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Continue where an interrupted reproduction stopped.",
        rich_help_panel=Panel.TRAINING,
    ),
]


def reproduce(
    method: Method,
    data: MethodData,
    out_dir: OutDir = None,
    network: NetworkName = None,
    change: Changes = [],  # noqa: B006 (typer copies it)
    quick: Quick = False,
    seed: Annotated[int, seed_option(Panel.TRAINING)] = 0,
    n_resamples: BootstrapSize = 2000,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Reproduce a published claim. Its own protocol and a leak-free one: same network, recipe and budget."""
    with loading():
        from tumorlens.experiments.reproduction.published_methods import find_published_method
        from tumorlens.experiments.reproduction.reproduce import reproduce as reproduce_claim

    name = find_published_method(method).name
    with output_folder(out_dir, "reproduce", name, resume=resume) as folder, progress() as step:
        reproduction = reproduce_claim(
            method,
            data,
            folder,
            network=network,
            overrides=change,
            quick=quick,
            seed=seed,
            resume=resume,
            n_resamples=n_resamples,
            progress=step,
        )
    if json:
        return print_json(reproduction.to_dict() | {"folder": str(folder)})
    _show(reproduction)
    print_status(f"written: {folder / 'report.html'}")


def _show(found: Reproduction) -> None:
    """Print claim and protocols side by side, their differences, what was run, and the caveats."""
    from tumorlens.experiments.reproduction.reproduction_files import HEADINGS, table_rows

    show(f"published method {found.method.number}, {found.method.title}: {found.network} on {found.data}\n")
    table = grid("", *HEADINGS)
    for row in table_rows(found.rows):
        table.add_row(*row)
    show(table)
    show(f"\n{found.explanation}\n{found.conclusion}\n\n{found.run_summary}")
    for text in found.caveats:
        caveat(text)
