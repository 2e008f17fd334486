"""Name of a verb -> command: imported when it is called, with the options and the help that every verb has."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, MutableMapping
from functools import cache, wraps
from importlib import import_module
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from tumorlens.cli.common import Panel
from tumorlens.cli.examples import EXAMPLES
from tumorlens.cli.help_page import help_page, place

VERBS = {
    "demo": "Classify and segment synthetic phantoms, and write a page.",
    "audit": "Find leaks, duplicates, label conflicts and shortcuts.",
    "index": "Build a reference index of a data set.",
    "train": "Train a network.",
    "evaluate": "Evaluate a run on patients it was not trained on, or the predictions of another tool.",
    "compare": "Compare two runs on the same test images.",
    "reproduce": "Reproduce a published claim.",
    "explain": "Write heat maps, or measure their faithfulness with --evaluate.",
    "export": "Export a run as one ONNX file.",
    "models": "List the trained models that can predict.",
    "card": "Print the model card.",
    "series": "List the series of a DICOM study, and say which one can be used and why.",
    "predict": "Classify images or whole studies, and segment tumors.",
    "benchmark": "Benchmark networks.",
    "info": "Describe this installation.",
    "cite": "Print how to cite tumorlens as BibTeX, and what the models that come with it are derived from.",
    "data": "Data sets: list, describe, download, generate, split.",
    "networks": "Network architectures: list, describe.",
    "recipes": "Training recipes: list, show.",
}
"""Name -> summary of the verbs and of their groups, for the help: it imports none of them."""

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
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
"""Settings of the program, its groups and its verbs; each has them, because click keeps the first that it sees."""


class Tracebacks:
    """Whether this call of the command line prints the traceback of an error."""

    shown = False


class Verb(TyperCommand):
    """A command whose help shows the panels in the order of `Panel`, and --help in one of them."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments, then options by panel."""
        parameters: list[Any] = list(super().get_params(ctx))
        for one in parameters:
            if "--help" in one.opts:
                one.rich_help_panel = Panel.OUTPUT
        return sorted(parameters, key=place)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, description, panels and examples."""
        formatter.write(help_page(self, ctx))


class Group(TyperGroup):
    """Verbs under one name."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Usage, description, options, and the verbs with their summaries."""
        formatter.write(help_page(self, ctx, self.summaries()))

    def summaries(self) -> dict[str, str]:
        """Name -> first sentence of the help of each verb."""
        return {name: summary(command.help or "") for name, command in self.commands.items()}


class Root(Group):
    """All verbs; the module of a verb is imported when it is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: MutableMapping[str, Any] = _Commands()

    def get_params(self, ctx: Any) -> list[Any]:
        """With flags that are False by default: for one that is None, typer imports pydantic."""
        parameters: list[Any] = list(super().get_params(ctx))
        for one in parameters:
            if getattr(one, "is_flag", False) and one.default is None:
                one.default = False
        return parameters

    def summaries(self) -> dict[str, str]:
        """Name -> summary, without an import."""
        return VERBS


class _Commands(MutableMapping[str, Any]):
    """Name -> command; a command is made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            if name not in VERBS:
                raise KeyError(name)
            self._made[name] = _command(name)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in VERBS or name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*VERBS, *self._made]))

    def __len__(self) -> int:
        return len(set(VERBS) | set(self._made))


@cache
def _command(name: str) -> Any:
    """Import a verb, or a group of verbs, and give it what all verbs have."""
    module = import_module(f"tumorlens.cli.{name}_command")
    if hasattr(module, "app"):
        app: typer.Typer = module.app
        app.info.cls, app.info.context_settings, group = Group, HELP_OPTIONS, f"{name} "
        app.info.name = name
    else:
        app, group = typer.Typer(), ""
        app.command(name)(getattr(module, name))
    app._add_completion, app.rich_markup_mode = False, None
    _add_shared_options(app, group)
    return typer.main.get_command(app)


def summary(text: str) -> str:
    """The first sentence of a help text."""
    first = " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
    sentence, dot, _ = first.partition(". ")
    return sentence + "." * bool(dot)


def _add_shared_options(app: typer.Typer, group: str) -> None:
    """Give every verb of an app the shared options, and its examples."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.rstrip("_").replace("_", "-")
        command.epilog = "\n".join(["Examples:", *(f"  {line}" for line in EXAMPLES[f"{group}{name}"])])
        command.callback = with_verbosity(command.callback)
        command.cls = Verb
        command.context_settings = HELP_OPTIONS


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
