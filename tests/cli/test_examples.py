"""Each example of the help is accepted by the parser of its verb."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer

from tumorlens.cli import app
from tumorlens.cli.examples import EXAMPLES

LINES = [(verb, line) for verb, lines in EXAMPLES.items() for line in lines]


@pytest.mark.parametrize(("verb", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_is_a_complete_line_of_its_verb(verb: str, line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "tumorlens"
    names = verb.split()
    assert words[: len(names)] == names
    command: Any = typer.main.get_command(app)
    for name in names:
        command = command.commands[name]
    context = command.make_context(verb, words[len(names) :])  # an unknown option or value raises
    given = [word.partition("=")[0] for word in words[len(names) :] if word.startswith("-")]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert set(given) <= known
    assert not context.args


def test_the_two_examples_of_a_verb_differ() -> None:
    assert all(len(set(lines)) == len(lines) == 2 for lines in EXAMPLES.values())
