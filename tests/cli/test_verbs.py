"""Verbs are made when they are asked for, and each has the shared options."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tumorlens.cli import app
from tumorlens.cli.verbs import VERBS, Root, Tracebacks, summary, with_verbosity


@pytest.fixture
def commands() -> Any:
    root: Any = typer.main.get_command(app)
    assert isinstance(root, Root)
    return root.commands


@pytest.fixture(autouse=True)
def _settings_as_before() -> Iterator[None]:
    logger = logging.getLogger("tumorlens")
    level, shown = logger.level, Tracebacks.shown
    yield
    logger.setLevel(level)
    Tracebacks.shown = shown


def test_all_verbs_are_listed_before_any_is_made(commands: Any) -> None:
    assert (list(commands), len(commands)) == (list(VERBS), len(VERBS))
    assert "predict" in commands
    assert "perdict" not in commands
    with pytest.raises(KeyError):
        commands["perdict"]
    assert commands["cite"] is commands["cite"]
    assert commands["data"].commands.keys() == {"list", "info", "get", "phantom", "split", "table"}


def test_a_verb_of_a_plugin_is_added_and_removed(commands: Any) -> None:
    commands["extra"] = commands["cite"]
    assert list(commands) == [*VERBS, "extra"]
    assert len(commands) == len(VERBS) + 1
    assert commands["extra"] is commands["cite"]
    del commands["extra"]
    assert "extra" not in commands


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One sentence.", "One sentence."),
        ("First. Second.", "First."),
        ("Over two\n    lines. More.", "Over two lines."),
        ("No dot\n\n    Second paragraph.", "No dot"),
        ("", ""),
    ],
)
def test_a_summary_is_the_first_sentence_of_the_help(text: str, expected: str) -> None:
    assert summary(text) == expected


def verb(name: str, loud: bool = False) -> str:
    """A verb."""
    return f"{name} {loud}"


@pytest.mark.parametrize(
    ("verbose", "quiet", "level"),
    [(False, False, logging.ERROR), (True, False, logging.DEBUG), (False, True, logging.WARNING)],
)
def test_verbose_and_quiet_set_the_level_and_leave_the_verb_its_arguments(
    verbose: bool, quiet: bool, level: int
) -> None:
    logging.getLogger("tumorlens").setLevel(logging.ERROR)
    command = with_verbosity(verb)
    assert list(inspect.signature(command).parameters) == ["name", "loud", "verbose", "quiet", "debug"]
    assert command(name="x", loud=True, verbose=verbose, quiet=quiet, debug=True) == "x True"
    assert logging.getLogger("tumorlens").level == level
    assert Tracebacks.shown is True
    command(name="x", verbose=False, quiet=False, debug=False)
    assert Tracebacks.shown is False


def test_verbose_and_quiet_together_are_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match="expected one of them"):
        with_verbosity(verb)(name="x", verbose=True, quiet=True, debug=False)
