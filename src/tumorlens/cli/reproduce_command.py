"""tumorlens reproduce: system + data -> its claim beside what its protocol gives, and what an honest one gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Json, Seed, caveat, console, emit, grid, loading, say, show

if TYPE_CHECKING:
    from tumorlens.experiments.reproduction.reproduction_result import Reproduction


def reproduce(
    system: Annotated[
        str,
        typer.Argument(
            help="1 brain_mri_efficientnet, 2 efficient_mtnet, 3 efficientnet_b0, 4 brainmrnet, "
            "5 efficientnet_transformer: number or name.",
            show_default=False,
        ),
    ],
    data: Annotated[
        list[str], typer.Argument(help="The folder of its data set; two for system 2.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where both runs and the table go; reproduction-NAME if left out.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Another network of the system, such as vgg16.", show_default=False)
    ] = None,
    change: Annotated[
        list[str], typer.Option("--set", help="Change a value of the recipe in both runs, as epochs=5; repeatable.")
    ] = [],  # noqa: B006 (typer copies it)
    quick: Annotated[bool, typer.Option("--quick", help="Few epochs, small input, some hundred images.")] = False,
    seed: Seed = 0,
    n_resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 2000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where --out was left.")] = False,
    json: Json = False,
) -> None:
    """Put a published claim to the test. Its own protocol, then an honest one: same network, recipe and budget."""
    with loading():
        from tumorlens.experiments.reproduction.published_methods import find_published_method
        from tumorlens.experiments.reproduction.reproduce import reproduce as work

    folder = out or Path(f"reproduction-{find_published_method(system).name}")
    found = work(
        system,
        data,
        folder,
        model=model,
        overrides=change,
        quick=quick,
        seed=seed,
        resume=resume,
        n_resamples=n_resamples,
        console=console(),
    )
    if json:
        return emit(found.to_dict() | {"folder": str(folder)})
    _show(found)
    say(f"written: {folder / 'report.html'}")


def _show(found: Reproduction) -> None:
    """The table, what separates the protocols, what the run did, and what must be known about it."""
    from tumorlens.experiments.reproduction.reproduction_files import HEADINGS, lines

    show(f"system {found.system.number}, {found.system.title}: {found.ran} on {found.facts['data']}\n")
    table = grid("", *HEADINGS)
    for row in lines(found.rows):
        table.add_row(*row)
    show(table)
    show(f"\n{found.why}\n{found.reading}\n\n{found.did}")
    for text in found.caveats:
        caveat(text)
