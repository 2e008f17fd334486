"""checklist + card -> Markdown: statements of the card, and blanks for what only the authors can write."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import tumorlens
from tumorlens._files import atomic_write
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_sections import ModelFile
from tumorlens.model_card.checklists.card_statements import STATEMENTS
from tumorlens.model_card.checklists.checklist import Checklist, ChecklistItem
from tumorlens.model_card.phrases import OLDER, is_older

BLANK = "**To be completed by the authors:**"
_MARKS = re.compile(r"([\\`*\[\]<>|])")  # characters with a meaning in Markdown


@dataclass(frozen=True)
class FilledItem:
    """An item with the statements of a card.

    Attributes:
        item: of the checklist.
        lines: the statements; empty where the card holds no fact.
    """

    item: ChecklistItem
    lines: tuple[str, ...]

    @property
    def blank(self) -> str:
        """What the authors have to add; empty for a complete item."""
        if self.lines or not self.item.statements:
            return self.item.authors
        return f"{self.item.question}; {self.item.authors or 'not on this card'}"


@dataclass(frozen=True)
class ChecklistCounts:
    """How many items are complete.

    Attributes:
        items: of the checklist.
        complete: items that the card answers completely.
        partial: items that the card answers in part.
        blank: items that the card cannot answer.
        counted: as in `Checklist`.
    """

    items: int
    complete: int
    partial: int
    blank: int
    counted: str = "items"

    def __str__(self) -> str:
        complete = f"{self.complete} of {self.items} {self.counted} complete"
        return f"{complete}, {self.partial} partly, {self.blank} left to the authors"

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: value for name, value in asdict(self).items() if name != "counted"}


def fill_checklist(checklist: Checklist, card: ModelCard) -> tuple[FilledItem, ...]:
    """All items of the checklist in order, with the statements of the card."""
    return tuple(_filled(item, card) for item in checklist.items)


def count_items(checklist: Checklist, card: ModelCard) -> ChecklistCounts:
    """How many items the card answers completely, in part, and not at all."""
    filled = fill_checklist(checklist, card)
    answered = [one for one in filled if one.lines]
    complete = sum(not one.blank for one in answered)
    return ChecklistCounts(
        len(filled), complete, len(answered) - complete, len(filled) - len(answered), checklist.counted
    )


def checklist_markdown(checklist: Checklist, card: ModelCard, file: ModelFile) -> str:
    """The checklist of a model file, as one page."""
    blocks = [
        f"# {checklist.name} for {_plain(card.name)}",
        f"**{count_items(checklist, card)}.**",
        f"Filled in by tumorlens {tumorlens.__version__} from the model card in {_plain(file)}, and from nothing else. "
        f"The items are in our own words; the authoritative wording is that of {checklist.citation}.",
    ]
    if is_older(card):
        blocks.append(f"This model file was {OLDER} for a more complete checklist.")
    for section in checklist.sections:
        blocks += [f"## {section.title}", *(_block(_filled(item, card)) for item in section.items)]
    return "\n\n".join(blocks) + "\n"


def write_checklist(checklist: Checklist, card: ModelCard, file: ModelFile, path: str | Path) -> ChecklistCounts:
    """Write the checklist of a model file.

    Args:
        checklist: one of `CHECKLISTS`.
        card: of the model file.
        file: the model file itself.
        path: a new .md file.

    Raises:
        ModelFileError: `path` is no .md file, or exists: it may hold text of the authors.
    """
    target = Path(path)
    if target.suffix != ".md":
        raise ModelFileError(
            file=target, found=f"file name with the ending '{target.suffix}'", expected="a file name that ends in .md"
        )
    if target.exists():
        raise ModelFileError(
            file=target,
            found="already exists, and may hold text of the authors",
            expected="the name of a new file",
            advice="choose another name",
        )
    with atomic_write(target) as temporary:
        text = checklist_markdown(checklist, card, file)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return count_items(checklist, card)


def _filled(item: ChecklistItem, card: ModelCard) -> FilledItem:
    lines = (line for name in item.statements for line in STATEMENTS[name](card) if line)
    return FilledItem(item, tuple(dict.fromkeys(lines)))


def _block(filled: FilledItem) -> str:
    item, lines = filled.item, [_plain(line) for line in filled.lines]
    if len(lines) > 1:
        lines = ["\n".join(f"- {line}" for line in lines)]
    blank = [f"{BLANK} {filled.blank}."] if filled.blank else []
    return "\n\n".join([f"### {item.number}. {item.question[0].upper()}{item.question[1:]}", *lines, *blank])


def _plain(text: object) -> str:
    """Text on one line, with Markdown's characters escaped."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))
