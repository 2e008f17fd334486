"""Verb -> command: the options -v, -q and --debug, which every verb has, and the examples in its help."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from tumorlens.cli.common import Panel
from tumorlens.cli.examples import EXAMPLES

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also print details of the work.", rich_help_panel=Panel.OUTPUT)
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print results, caveats and errors alone.", rich_help_panel=Panel.OUTPUT),
]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.", rich_help_panel=Panel.OUTPUT)]
_OPTIONS = {"verbose": Verbose, "quiet": Quiet, "debug": Debug}
_LOGGER = logging.getLogger("tumorlens")


class Tracebacks:
    """Whether this call of the command line prints the traceback of an error."""

    shown = False


def add_shared_options(app: typer.Typer, group: str = "") -> None:
    """Give every verb of an app, and of the groups in it, the shared options and its examples."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.rstrip("_").replace("_", "-")
        examples = EXAMPLES[f"{group}{name}"]
        command.epilog = "\n\n".join(["Examples:", *examples])
        command.callback = with_verbosity(command.callback)
    for inner in app.registered_groups:
        assert inner.typer_instance is not None
        add_shared_options(inner.typer_instance, f"{inner.name} ")


def with_verbosity(verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb with -v, -q and --debug, which set the level of the logger "tumorlens" and `Tracebacks`."""

    @wraps(verb)
    def command(*arguments: Any, verbose: bool, quiet: bool, debug: bool, **options: Any) -> Any:
        if verbose and quiet:
            raise typer.BadParameter("--verbose and --quiet; expected one of them")
        Tracebacks.shown = debug
        if verbose or quiet:
            _LOGGER.setLevel(logging.DEBUG if verbose else logging.WARNING)
        return verb(*arguments, **options)

    hints = get_type_hints(verb, include_extras=True)
    own = [one.replace(annotation=hints[name]) for name, one in inspect.signature(verb).parameters.items()]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in [*own, *added]}
    return command
