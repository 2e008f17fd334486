"""Shared by all verbs: options, exit codes, output folders, and what goes to standard output and standard error."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tumorlens._progress import Progress, bars, silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table as Grid

SCHEMA_VERSION = 1
"""Of all that ``--json`` prints; it is raised when a key changes its name or its meaning."""


class ExitCode(IntEnum):
    """What the program returns."""

    DONE = 0
    FAILED = 1  # no result, or some files failed
    USAGE = 2
    ATTENTION = 3  # the work is done and found a problem: a leak, a model file that differs from its network
    BUG = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # as shells count it: 128 + SIGINT


class Panel:
    """Titles of the groups of options in the help of a verb, in their order."""

    DATA = "Data"
    MODEL = "Model"
    SPLIT = "Split"
    TRAINING = "Training"
    ANALYSES = "Analyses"
    MAPS = "Heat maps"
    MEASUREMENT = "Measurement"
    STATISTICS = "Statistics"
    HARDWARE = "Hardware"
    OUTPUT = "Output"


def one_of(*words: str) -> Callable[[str], Any]:
    """A parser for an option that takes one of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"'{text}'; expected {', '.join(words)}")
        return text

    return parse


def choice(name: str, *words: str, help: str, panel: str) -> Any:
    """An option of this name that takes one of these words."""
    return typer.Option(name, parser=one_of(*words), metavar="|".join(words), help=help, rich_help_panel=panel)


def seed_option(panel: str) -> Any:
    """The option --seed, in the panel of what it is the seed of."""
    return typer.Option(
        min=0,
        help="Random seed; the same seed gives the same result on the same machine.",
        rich_help_panel=panel,
    )


Json = Annotated[
    bool,
    typer.Option("--json", help="Print the result as JSON on standard output.", rich_help_panel=Panel.OUTPUT),
]
Seed = Annotated[int, seed_option(Panel.STATISTICS)]
Data = Annotated[
    list[str],
    typer.Argument(help="A folder, a table (.csv) or NAME:FOLDER; several are pooled.", show_default=False),
]
Images = Annotated[list[str], typer.Argument(help="Image files, folders or patterns.", show_default=False)]
Folds = Annotated[int, typer.Option(help="Number of folds.", rich_help_panel=Panel.SPLIT)]
Fold = Annotated[int, typer.Option(help="Fold held out as the test subset, from 0.", rich_help_panel=Panel.SPLIT)]
Val = Annotated[
    float,
    typer.Option(help="Share of the remaining images for the validation subset.", rich_help_panel=Panel.SPLIT),
]
KeepSplit = Annotated[
    bool,
    typer.Option(
        "--keep-split/--no-keep-split",
        help="Keep the train and test subsets of the data set.",
        rich_help_panel=Panel.SPLIT,
    ),
]
SplitBy = Annotated[
    Literal["patient", "image"],
    choice(
        "--split-by",
        "patient",
        "image",
        help="Unit of the split; image splits patients (leaks; every report says so).",
        panel=Panel.SPLIT,
    ),
]
Unannotated = Annotated[
    Literal["error", "ignore", "negative"],
    choice(
        "--unannotated",
        "error",
        "ignore",
        "negative",
        help="Images without annotation: stop, leave them out, or count them as no_tumor.",
        panel=Panel.DATA,
    ),
]
BootstrapSize = Annotated[
    int,
    typer.Option("--n-resamples", min=100, help="Bootstrap resamples over patients.", rich_help_panel=Panel.STATISTICS),
]
AllowBoxMasks = Annotated[
    bool,
    typer.Option(
        "--allow-box-masks/--no-allow-box-masks",
        help="Compare with reference masks even if most of them are bounding boxes.",
        rich_help_panel=Panel.DATA,
    ),
]
Device = Annotated[
    Literal["cpu", "cuda"], choice("--device", "cpu", "cuda", help="Where the network runs.", panel=Panel.HARDWARE)
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="CPU threads; the processors that this process may use by default.",
        show_default=False,
        rich_help_panel=Panel.HARDWARE,
    ),
]

BatchSize = Annotated[
    int,
    typer.Option(
        "--batch-size",
        min=1,
        help="Images of one size that the network gets at one time.",
        rich_help_panel=Panel.HARDWARE,
    ),
]

_WIDE = 200  # columns of a table that goes into a file or a pipe


@contextlib.contextmanager
def output_folder(chosen: Path | None, verb: str, name: str, *, resume: bool = False) -> Iterator[Path]:
    """The folder for the results of a verb: the chosen one, else ``runs/VERB/NAME``.

    Where ``runs/VERB/NAME`` exists, ``NAME-2``, ``NAME-3`` and so on are tried. A default folder exists and is empty
    at first, so that another process gets another one; it is removed if it is empty at the end.

    Args:
        chosen: the value of ``--out-dir``.
        verb: of the command line.
        name: of the data, the recipe or the model.
        resume: whether an earlier run is continued; its folder gets no number.
    """
    from tumorlens._results_folder import new_folder

    if chosen or resume:
        yield chosen or Path("runs") / verb / name
        return
    folder = new_folder(Path("runs") / verb, name)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # not empty, or removed already
            folder.rmdir()


def console() -> Console:
    """The console for status lines. It writes to standard error, so that standard output holds results alone."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False)


def show(what: RenderableType) -> None:
    """Print a result for people on standard output; without a terminal, long lines are not wrapped."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, markup=False, highlight=False).print(what)


def grid(*headings: str) -> Grid:
    """An empty table in the style of all verbs."""
    from rich.table import Table

    return Table(*headings, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def facts(rows: Mapping[str, str]) -> Grid:
    """A table of names and values, one below the other."""
    from rich.text import Text

    table = grid()
    table.show_header = False
    for name, value in rows.items():
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def is_quiet() -> bool:
    """Whether -q was given: results, caveats and errors are printed alone."""
    return logging.getLogger("tumorlens").getEffectiveLevel() > logging.INFO


def print_status(text: str) -> None:
    """Print one line about the work on standard error, unless -q was given."""
    if not is_quiet():
        typer.echo(text, err=True)


def caveat(text: str) -> None:
    """Print a limitation of the result on standard error."""
    typer.secho(f"caveat: {text}", err=True, fg="yellow")


def fail(message: str, code: int = ExitCode.FAILED) -> int:
    """Print one line of error on standard error, and return the exit code."""
    print(f"error: {in_one_line(message)}", file=sys.stderr)
    return code


def in_one_line(text: str) -> str:
    """The text with control characters as escapes: a file name may hold a line break."""
    return "".join(one if one.isprintable() or "\ud800" <= one <= "\udfff" else ascii(one)[1:-1] for one in text)


def print_json(data: Mapping[str, Any] | list[Any]) -> None:
    """Print one JSON object in one line on standard output, with the version of its schema; a list as ``items``."""
    from tumorlens._record import to_jsonable

    content = {"items": data} if isinstance(data, list) else data
    versioned = to_jsonable({"schema_version": SCHEMA_VERSION, **content})
    print(json.dumps(versioned, ensure_ascii=False), flush=True)


@contextlib.contextmanager
def progress(*, in_bytes: bool = False) -> Iterator[Progress]:
    """Progress bars on standard error, one for each stage; none without a terminal.

    Args:
        in_bytes: the stages count bytes, as downloads do.
    """
    if is_quiet():
        yield silent
        return
    with bars(in_bytes=in_bytes) as step:
        yield step


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Print what the package logs, from INFO on, on standard error: the text alone, above any progress bar."""
    logger, handler = logging.getLogger("tumorlens"), _StandardError()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _StandardError(logging.Handler):
    """Prints the text of a message on the standard error of this moment: progress bars replace it while they show."""

    def emit(self, record: logging.LogRecord) -> None:
        print(record.getMessage(), file=sys.stderr, flush=True)


def use_threads(threads: int | None) -> int:
    """Let PyTorch compute with so many threads; with as many as this process may use where None. Returns the number."""
    import torch

    from tumorlens.deploy.predictor import available_threads

    number = threads or available_threads()
    torch.set_num_threads(number)
    return number


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Report that PyTorch is loading: its first import takes seconds."""
    if is_quiet():
        yield
        return
    with console().status("loading PyTorch"):
        yield


def expand_paths(patterns: list[str]) -> list[Path]:
    """The images behind a mix of files, folders and glob patterns, in order, each once.

    A folder gives the images in it and below it. A name that matches nothing and a folder without
    images are kept, so that they are reported with the others.
    """
    from tumorlens.datasets.formats.class_folders import images_below

    paths: list[Path] = []
    for path in matching(patterns):
        paths += images_below(path) or [path]
    return list(dict.fromkeys(paths))


def matching(patterns: list[str]) -> list[Path]:
    """The files and folders behind names and glob patterns, in order, each once; also names that match nothing."""
    import glob

    paths: list[Path] = []
    for text in patterns:
        matches = [Path(text)]
        if glob.has_magic(text) and not matches[0].exists():
            matches = [Path(p) for p in sorted(glob.glob(text, recursive=True))] or matches
        paths += matches
    return list(dict.fromkeys(paths))
