"""A checklist as a file: items are counted, blanks are marked, and text of the authors is never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import model_cards
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_sections import ModelFile
from tumorlens.model_card.checklists.card_statements import STATEMENTS
from tumorlens.model_card.checklists.checklist import Checklist
from tumorlens.model_card.checklists.fill_checklist import (
    BLANK,
    ChecklistCounts,
    checklist_markdown,
    count_items,
    write_checklist,
)
from tumorlens.model_card.checklists.shipped_checklists import checklist_names, load_checklist

FILE = ModelFile(Path("a.onnx"), 1_000_000, model_cards.HASH)
ANSWERS: dict[str, Callable[[ModelCard], list[str]]] = {
    "name": lambda card: [card.model],
    "marks": lambda card: ["*one* [x]", "two\n# three"],
    "nothing": lambda card: [],
    "empty": lambda card: [""],
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Checklist:
    """Five items in two sections."""
    for name, answer in ANSWERS.items():
        monkeypatch.setitem(STATEMENTS, name, answer)
    first = [
        {"number": "1", "question": "the model", "statements": ["name"]},
        {"number": "2a", "question": "reasons", "authors": "the reason", "statements": ["marks"]},
    ]
    second = [
        {"number": "2b", "question": "authors", "authors": "names"},
        {"number": "3", "question": "purpose", "statements": ["nothing"]},
        {"number": "4", "question": "places", "authors": "centers", "statements": ["empty"]},
    ]
    sections = [{"title": "First", "items": first}, {"title": "Second", "items": second}]
    return Checklist.model_validate(
        {"name": "Small", "citation": "Nobody 2020", "counted": "items", "sections": sections}
    )


def test_complete_partial_and_blank_items_are_counted(small: Checklist) -> None:
    counts = count_items(small, model_cards.sparse())
    assert counts == ChecklistCounts(5, 1, 1, 3)
    assert str(counts) == "1 of 5 items complete, 1 partly, 3 left to the authors"


def test_the_page_shows_each_item_with_its_blank_and_escapes_text_of_the_card(small: Checklist) -> None:
    text = checklist_markdown(small, model_cards.full(name="a|b"), FILE)
    assert text.startswith("# Small for a\\|b\n\n**1 of 5 items complete, 1 partly, 3 left to the authors.**\n")
    assert "a.onnx, 1.0 MB, SHA-256 abab" in text
    assert "Nobody 2020" in text
    body = text.partition("## First")[2]
    assert (
        body
        == f"""

### 1. The model

mini_resnet

### 2a. Reasons

- \\*one\\* \\[x\\]
- two # three

{BLANK} the reason.

## Second

### 2b. Authors

{BLANK} names.

### 3. Purpose

{BLANK} purpose; not on this card.

### 4. Places

{BLANK} places; centers.
"""
    )


@pytest.mark.parametrize("name", checklist_names())
def test_the_counts_at_the_top_match_the_items_below(name: str) -> None:
    checklist = load_checklist(name)
    for card in (model_cards.full(), model_cards.sparse()):
        counts, text = count_items(checklist, card), checklist_markdown(checklist, card, FILE)
        assert text.count(f"\n{BLANK} ") == counts.partial + counts.blank
        assert text.count("\n### ") == counts.items == counts.complete + counts.partial + counts.blank
        assert f"**{counts}.**" in text
        assert ("exported before cards held" in text) == (card == model_cards.sparse())


@pytest.mark.parametrize("name", checklist_names())
def test_a_card_with_more_facts_leaves_fewer_blanks(name: str) -> None:
    more, less = (count_items(load_checklist(name), card) for card in (model_cards.full(), model_cards.sparse()))
    assert more.blank < less.blank
    assert more.complete > less.complete


def test_an_existing_checklist_is_never_overwritten(tmp_path: Path, small: Checklist) -> None:
    path = tmp_path / "claim.md"
    counts = write_checklist(small, model_cards.full(), FILE, path)
    assert counts.items == 5
    path.write_text("my own words")
    with assert_refused(ModelFileError, file=r"claim\.md$", found="already exists, and may hold text of the authors"):
        write_checklist(small, model_cards.full(), FILE, path)
    assert path.read_text() == "my own words"


def test_a_path_that_is_no_markdown_file_is_refused(tmp_path: Path, small: Checklist) -> None:
    with assert_refused(ModelFileError, file=r"a\.onnx$", expected=r"a file name that ends in \.md"):
        write_checklist(small, model_cards.full(), FILE, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
