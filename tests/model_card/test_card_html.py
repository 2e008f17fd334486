"""The page of a model card shows every fact of the card, and is one harmless file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import model_cards
from tests.fixtures.html import MALICIOUS, Page
from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_html import card_html
from tumorlens.model_card.card_sections import ModelFile, card_page
from tumorlens.report import RESEARCH_ONLY

FILE = ModelFile(Path("model.onnx"), 1_500_000, "ab" * 32)


@pytest.mark.parametrize("card", [model_cards.full(), model_cards.sparse()], ids=["full", "sparse"])
def test_every_section_and_every_cell_is_on_the_page(card: ModelCard) -> None:
    text = Page(card_html(card, FILE)).text
    for section in card_page(card, FILE):
        assert section.title in text
        for cell in (*section.headings, *(cell for row in section.rows for cell in row)):
            assert " ".join(cell.split()) in text
    assert RESEARCH_ONLY in text


def test_seed_and_data_are_those_of_the_training() -> None:
    card = model_cards.full()
    record = {"started": "2026-11-28T21:20:59+00:00", "command": ["tumorlens", "card"], "seed": 99}
    text = Page(card_html(card, FILE, record)).text
    assert f"Command tumorlens card Seed {card.training.seed} Data fingerprint {card.training.data_fingerprint}" in text


def test_a_malicious_name_is_shown_as_text() -> None:
    parsed = Page(card_html(model_cards.full(name=MALICIOUS, intended_use=MALICIOUS), FILE))
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "alert(1)" in parsed.text
