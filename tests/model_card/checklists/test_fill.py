"""A sheet as a file: counted, marked where the authors must write, and never written over their work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import model_cards
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card_sections import ModelFile
from tumorlens.model_card.checklists import CHECKLISTS
from tumorlens.model_card.checklists.checklist_item import Checklist, ChecklistItem, Tally
from tumorlens.model_card.checklists.fill import BLANK, fill, markdown, tally, write_checklist

FILE = ModelFile(Path("a.onnx"), 1_000_000, model_cards.HASH)
SMALL = Checklist(
    "Small",
    "Nobody 2020",
    "items",
    (
        ChecklistItem("1", "First", "what it is", answers=(lambda card: [card.model],)),
        ChecklistItem("2a", "First", "why", "the reason", (lambda card: ["*one* [x]", "two\n# three"],)),
        ChecklistItem("2b", "Second", "who", "names"),
        ChecklistItem("3", "Second", "what for", answers=(lambda card: [],)),
        ChecklistItem("4", "Second", "where", "places", (lambda card: [""],)),
    ),
)


def test_what_is_said_what_is_left_and_what_is_empty_are_counted_apart() -> None:
    counts = tally(SMALL, fill(SMALL, model_cards.sparse()))
    assert counts == Tally(5, 1, 1, 3)
    assert str(counts) == "1 of 5 items filled in, 1 in part, 3 left to the authors"


def test_the_page_holds_each_item_with_its_blank_and_nothing_of_a_card_is_taken_for_markdown() -> None:
    text = markdown(SMALL, model_cards.full(name="a|b"), FILE)
    assert text.startswith("# Small for a\\|b\n\n**1 of 5 items filled in, 1 in part, 3 left to the authors.**\n")
    assert "a.onnx, 1.0 MB, SHA-256 abab" in text
    assert "Nobody 2020" in text
    body = text.partition("## First")[2]
    assert (
        body
        == f"""

### 1. What it is

mini_resnet

### 2a. Why

- \\*one\\* \\[x\\]
- two # three

{BLANK} the reason.

## Second

### 2b. Who

{BLANK} names.

### 3. What for

{BLANK} what for; this bundle's card does not say.

### 4. Where

{BLANK} where; places.
"""
    )


@pytest.mark.parametrize("name", CHECKLISTS)
def test_the_count_at_the_top_is_that_of_the_blanks_below(name: str) -> None:
    for card in (model_cards.full(), model_cards.sparse()):
        counts, text = tally(CHECKLISTS[name], fill(CHECKLISTS[name], card)), markdown(CHECKLISTS[name], card, FILE)
        assert text.count(f"\n{BLANK} ") == counts.partly + counts.left
        assert text.count("\n### ") == counts.items == counts.filled + counts.partly + counts.left
        assert f"**{counts}.**" in text
        assert ("exported before cards held" in text) == (card == model_cards.sparse())


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_card_that_knows_more_leaves_less(name: str) -> None:
    more, less = (
        tally(CHECKLISTS[name], fill(CHECKLISTS[name], card)) for card in (model_cards.full(), model_cards.sparse())
    )
    assert more.left < less.left
    assert more.filled > less.filled


def test_a_sheet_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "claim.md"
    counts = write_checklist(SMALL, model_cards.full(), FILE, path)
    assert counts.items == 5
    path.write_text("my own words")
    with pytest.raises(ModelFileError, match=r"claim\.md: is there already, and may hold what you filled in"):
        write_checklist(SMALL, model_cards.full(), FILE, path)
    assert path.read_text() == "my own words"


def test_a_bundle_is_not_taken_for_the_name_of_a_sheet(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"a\.onnx: expected a file name that ends in \.md"):
        write_checklist(SMALL, model_cards.full(), FILE, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
