"""Verb -> its help, in panels; drawn without rich, whose import takes longer than all the rest."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

import typer

from tumorlens.cli.common import Panel

_NARROW, _WIDE = 40, 100  # columns of a page
_NAMES = 32  # columns of the names of options, at most
_BRACKETS = re.compile(r"\[[^\]]{,40}\]$")  # default, limits: at the end of a description, in one line
_SPACE = "\0"  # that no line is broken at
Row = tuple[str, str]
"""A name and its description."""


def help_page(command: Any, context: typer.Context, verbs: Mapping[str, str] | None = None) -> str:
    """The help of a command: usage, description, one panel for each group of its parameters, and its examples.

    Args:
        command: of the command line.
        context: of this call.
        verbs: name -> summary of the verbs below it, if it is a group.
    """
    width = min(max(shutil.get_terminal_size().columns, _NARROW), _WIDE)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = ["", *_wrapped(f"Usage: {usage}", width, bold=True), ""]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines += [*_wrapped(paragraph, width), ""]
    for title, rows in _panels(command, context).items():
        lines += _panel(title, rows, width)
    if verbs:
        lines += _panel("Commands", verbs.items(), width)
    if command.epilog:
        lines += ["", *(f" {line}" for line in command.epilog.splitlines())]
    return "\n".join(lines) + "\n"


def _panels(command: Any, context: typer.Context) -> dict[str, list[Row]]:
    """Title -> names and descriptions, in the order of `Panel`."""
    panels: dict[str, list[Row]] = {}
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            title = "Arguments" if parameter.param_type_name == "argument" else panel_of(parameter) or "Options"
            panels.setdefault(title, []).append(record)
    return panels


def panel_of(parameter: Any) -> str | None:
    """The title of the panel that a parameter is in."""
    title: str | None = getattr(parameter, "rich_help_panel", None)
    return title


def place(parameter: Any) -> int:
    """The place of a parameter in the help, by its panel; arguments come first."""
    titles = [None, *(title for name, title in vars(Panel).items() if not name.startswith("_"))]
    return titles.index(panel_of(parameter))


def _panel(title: str, rows: Iterable[Row], width: int) -> list[str]:
    """A frame with a title, and the rows in two columns."""
    rows, inner = list(rows), width - 4
    names = min(max(len(name) for name, _ in rows), _NAMES)
    lines = [_style(f"╭─ {title} {'─' * (width - len(title) - 5)}╮", dim=True)]
    bar = _style("│", dim=True)
    for name, description in rows:
        left = wrap(name, names, break_on_hyphens=False, break_long_words=False)
        right = [
            line.replace(_SPACE, " ")
            for line in wrap(_BRACKETS.sub(_joined, description), inner - names - 2, break_on_hyphens=False)
        ]
        for i in range(max(len(left), len(right))):
            first, second = (column[i] if i < len(column) else "" for column in (left, right))
            cells = f"{_name(first)}{' ' * (names - len(first))}  {second}"
            padding = " " * (inner - max(names, len(first)) - 2 - len(second))
            lines.append(f"{bar} {cells}{padding} {bar}")
    return [*lines, _style(f"╰{'─' * (width - 2)}╯", dim=True)]


def _joined(found: re.Match[str]) -> str:
    return found[0].replace(" ", _SPACE)


def _name(text: str) -> str:
    """The names of options in color; the form of their values is left as it is."""
    return re.sub(r"^[^\s<]+|-[\w-]+", lambda found: _style(found[0], fg="cyan", bold=True), text)


def _wrapped(text: str, width: int, *, bold: bool = False) -> list[str]:
    lines = wrap(" ".join(text.split()), width - 2, break_on_hyphens=False)
    return [f" {_style(line, bold=True) if bold else line}" for line in lines]


def _style(text: str, **style: Any) -> str:
    """With color on a terminal; what is printed elsewhere is stripped of it."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, **style)
