"""What every verb shares: where people read, where machines read, and the arguments that recur."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as Grid

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result on the same machine.")]
Data = Annotated[
    list[str], typer.Argument(help="A folder, a table (.csv) or NAME:FOLDER; several are pooled.", show_default=False)
]
Images = Annotated[list[str], typer.Argument(help="Images, folders or patterns.", show_default=False)]
Folds = Annotated[int, typer.Option(help="Number of folds.")]
Fold = Annotated[int, typer.Option(help="The fold held out as test, from 0.")]
Val = Annotated[float, typer.Option(help="Share of the rest that becomes validation.")]
Given = Annotated[bool, typer.Option("--given", help="Keep train and test as the data set brings them.")]
IgnorePatients = Annotated[
    bool, typer.Option("--ignore-patients", help="Tear patients apart; every result will say so.")
]

Choice = Literal["error", "ignore", "negative"]


def _choice(word: str) -> Choice:
    """What becomes of images without annotation, as the user asks."""
    for known in get_args(Choice):
        if word == known:
            return cast(Choice, known)
    raise typer.BadParameter(f"'{word}'; expected {', '.join(get_args(Choice))}")


Unannotated = Annotated[
    Choice,
    typer.Option(
        "--unannotated",
        parser=_choice,
        metavar="|".join(get_args(Choice)),
        help="Images without annotation: an error, left out, or images without tumor.",
    ),
]

_WIDE = 200  # columns of a table that goes into a file or a pipe


def console() -> Console:
    """Where progress is shown: standard error, so that standard output holds results alone."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def show(what: RenderableType) -> None:
    """Print a result for people on standard output; lines are not broken where no terminal is."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, markup=False, highlight=False).print(what)


def grid(*headings: str) -> Grid:
    """An empty table as all verbs draw them."""
    from rich.table import Table

    return Table(*headings, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def facts(rows: Mapping[str, str]) -> Grid:
    """Names and what they are, one below the other."""
    from rich.text import Text

    table = grid()
    table.show_header = False
    for name, value in rows.items():
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def say(text: str) -> None:
    """One line about the work, on standard error."""
    typer.echo(text, err=True)


def caveat(text: str) -> None:
    """What a reader must know before using the result, on standard error."""
    typer.secho(f"caution: {text}", err=True, fg="yellow")


def fail(message: str, code: int) -> int:
    """Print one line of error and hand back the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return code


def emit(data: Mapping[str, Any] | list[Any]) -> None:
    """Print JSON on standard output, one object a line."""
    from tumorlens._record import to_jsonable

    print(json.dumps(to_jsonable(data), ensure_ascii=False), flush=True)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for work that calls (done, total); nothing where nobody looks."""
    with stages() as step:
        yield lambda done, total: step(what, done, total)


@contextlib.contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for each stage of work that calls (stage, done, total); nothing where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = console()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def step(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield step


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Says why nothing happens yet: the first import of PyTorch takes seconds."""
    with console().status("loading PyTorch"):
        yield


def files(paths: list[str]) -> list[Path]:
    """Files from a mix of files, folders and glob patterns, in order, each once.

    A folder gives the images in it and below it. A name that matches nothing and a folder without
    images are kept, so that they are reported beside the others.
    """
    import glob

    found: list[Path] = []
    for text in paths:
        matches = [Path(text)]
        if glob.has_magic(text) and not matches[0].exists():
            matches = [Path(p) for p in sorted(glob.glob(text, recursive=True))] or matches
        for path in matches:
            found += _below(path) or [path]
    return list(dict.fromkeys(found))


def _below(folder: Path) -> list[Path]:
    """All images in a folder and below it; none where it is no folder."""
    from tumorlens.datasets.formats.class_folders import image_files

    if not folder.is_dir():
        return []
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    return image_files(folder) + [image for child in inner for image in _below(child)]
