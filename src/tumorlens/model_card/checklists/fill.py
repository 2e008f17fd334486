"""sheet + card -> Markdown: what the card answers, and blanks for what only the authors can."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import tumorlens
from tumorlens._files import atomic_write
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_sections import ModelFile
from tumorlens.model_card.checklists.checklist_item import Checklist, ChecklistItem, Tally
from tumorlens.model_card.phrases import OLDER, is_older

BLANK = "**To be filled in by the authors:**"
_UNSAID = "this bundle's card does not say"
_MARKS = re.compile(r"([\\`*\[\]<>|])")  # what Markdown would take for its own


@dataclass(frozen=True)
class Filled:
    """An item and what the card says to it.

    Attributes:
        item: of the checklist.
        lines: nothing where the card does not say.
    """

    item: ChecklistItem
    lines: tuple[str, ...]

    @property
    def left(self) -> str:
        """What the authors still have to write; empty where that is nothing."""
        if self.lines or not self.item.answers:
            return self.item.left
        return f"{self.item.ask}; {self.item.left or _UNSAID}"


def fill(sheet: Checklist, card: ModelCard) -> tuple[Filled, ...]:
    """Every item of the sheet, in its order, with what the card says to it."""
    return tuple(
        Filled(item, tuple(dict.fromkeys(line for answer in item.answers for line in answer(card) if line)))
        for item in sheet.items
    )


def tally(sheet: Checklist, filled: tuple[Filled, ...]) -> Tally:
    """How many items are filled in, in part, and not."""
    said = [one for one in filled if one.lines]
    whole = sum(not one.left for one in said)
    return Tally(len(filled), whole, len(said) - whole, len(filled) - len(said), sheet.counted)


def markdown(sheet: Checklist, card: ModelCard, file: ModelFile) -> str:
    """The sheet of a bundle, as one page."""
    filled = fill(sheet, card)
    blocks = [
        f"# {sheet.name} for {_plain(card.name)}",
        f"**{tally(sheet, filled)}.**",
        f"Filled in by tumorlens {tumorlens.__version__} from the card of {_plain(file)}, and from nothing else. "
        f"What is asked is put in our words; the wording that counts is that of {sheet.citation}.",
    ]
    if is_older(card):
        blocks.append(f"This bundle was {OLDER} for a fuller sheet.")
    for section, items in groupby(filled, key=lambda one: one.item.section):
        blocks += [f"## {section}", *(_block(one) for one in items)]
    return "\n\n".join(blocks) + "\n"


def write_checklist(sheet: Checklist, card: ModelCard, file: ModelFile, path: str | Path) -> Tally:
    """Write the sheet of a bundle.

    Args:
        sheet: of `CHECKLISTS`.
        card: of the bundle.
        file: the bundle itself.
        path: a new .md file.

    Raises:
        BundleError: `path` is no .md file, or is there already: somebody may have filled in its blanks.
    """
    target = Path(path)
    if target.suffix != ".md":
        raise ModelFileError(f"{target}: expected a file name that ends in .md")
    if target.exists():
        raise ModelFileError(f"{target}: is there already, and may hold what you filled in; name another file")
    text = markdown(sheet, card, file)
    with atomic_write(target) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
    return tally(sheet, fill(sheet, card))


def _block(one: Filled) -> str:
    said = [_plain(line) for line in one.lines]
    if len(said) > 1:
        said = ["\n".join(f"- {line}" for line in said)]
    blank = [f"{BLANK} {one.left}."] if one.left else []
    return "\n\n".join([f"### {one.item.number}. {one.item.ask[0].upper()}{one.item.ask[1:]}", *said, *blank])


def _plain(text: object) -> str:
    """Text of a card in one line, in which nothing is taken for Markdown."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))
