"""card + file -> one self-contained HTML page: the sections of `card_page` as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_sections import CardSection, ModelFile, card_page
from tumorlens.report import Blocks, Note, PageFooter, Paragraph, Section, key_values, render_page, table, verdict

_READING = {
    "Is there a tumor at all": "card_detection",
    "Metrics": "card_metrics",
    "Metrics per class": "class_metrics",
}

_LIMIT = (
    "That the model works on other data. Each conclusion holds for the test data of this card; the report of the "
    "evaluation says what else each analysis leaves open."
)


def card_html(card: ModelCard, file: ModelFile, record: Mapping[str, Any] | None = None) -> str:
    """The model card as an HTML page.

    Args:
        card: of the model file.
        file: the model file itself.
        record: facts of the run record, for the small print.
    """
    training = card.training
    return render_page(
        f"Model card of {card.name}",
        f"{card.model}, {card.parameters:,} parameters: {', '.join(card.classes)}",
        [Section(one.title, _blocks(one)) for one in card_page(card, file)],
        PageFooter.of(record, seed=training.seed, data_fingerprint=training.data_fingerprint),
    )


def _blocks(section: CardSection) -> Blocks:
    """A table with headings; without, names with their values, or texts without a name."""
    if section.headings:
        reading = _READING.get(section.title, "card_table")
        return table(section.headings, section.rows, "l" * len(section.headings), reading=reading)
    if section.title == "Analyses":
        return verdict((text for _, text in section.rows), _LIMIT)
    if section.title == "Caveats":
        return tuple(Note("warning", text) for _, text in section.rows)
    if all(not name for name, _ in section.rows):
        return tuple(Paragraph(text) for _, text in section.rows)
    return key_values((name, text) for name, text in section.rows)
