"""Every reading guide is complete, is used, and exists where it is named."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import tumorlens
from tumorlens.report.reading_help import ReadingHelp, all_reading_help, reading_help

SOURCE = Path(tumorlens.__file__).parent


def strings(tree: ast.AST) -> set[str]:
    """All strings of a module."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def named_reading_help() -> set[str]:
    """The names after ``reading=`` in all modules."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")]
    calls = (
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "reading"
    )
    return {text for call in calls for text in strings(call.value)}


@pytest.mark.parametrize("name", all_reading_help())
def test_a_guide_says_what_is_shown_what_is_better_and_worse_and_what_to_do(name: str) -> None:
    for field in fields(ReadingHelp):
        text = getattr(all_reading_help()[name], field.name)
        assert len(text.split()) >= 3, field.name
        assert text[0].isupper() or text[0].isdigit()
        assert text.endswith(".")


def test_every_named_guide_exists_and_every_guide_is_named() -> None:
    card = {"card_detection", "card_metrics", "card_table"}  # by the title of a section
    assert named_reading_help() | card == set(all_reading_help())


def test_another_package_may_bring_its_own_guide() -> None:
    own = ReadingHelp("This.", "High.", "Low.", "Stop.")
    assert reading_help(own) is own


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="no reading guide is called 'foo'"):
        reading_help("foo")
