"""The types of a reporting sheet: a checklist as a table, and what a card answers to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from tumorlens.model_card.card import ModelCard

PipelineOutput = Callable[[ModelCard], Iterable[str]]
"""What a card says to an item, a line each; nothing where it does not know."""


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a checklist.

    Attributes:
        number: as the checklist counts, such as ``"12a"``.
        section: of the checklist.
        ask: what it asks, in our words.
        left: what the authors have to write, whatever the card says; empty where the card can say all of it.
        answers: what the card says; none where it can say nothing.
    """

    number: str
    section: str
    ask: str
    left: str = ""
    answers: tuple[PipelineOutput, ...] = ()


@dataclass(frozen=True)
class Checklist:
    """A checklist.

    Attributes:
        name: how it is called.
        citation: where it is published.
        counted: what there is so and so many of, for the count at the top.
        items: in its order.
    """

    name: str
    citation: str
    counted: str
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True)
class Tally:
    """How far a sheet is filled in.

    Attributes:
        items: of the checklist.
        filled: items to which the card says all that is asked.
        partly: items to which it says some of it.
        left: items to which it says nothing.
        counted: as in `Checklist`.
    """

    items: int
    filled: int
    partly: int
    left: int
    counted: str = "items"

    def __str__(self) -> str:
        whole = f"{self.filled} of {self.items} {self.counted} filled in"
        return f"{whole}, {self.partly} in part, {self.left} left to the authors"

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: value for name, value in asdict(self).items() if name != "counted"}
