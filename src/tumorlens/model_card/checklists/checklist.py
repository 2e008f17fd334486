"""YAML file -> checklist: sections of items, each with a question, statements of the card, and what authors add."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tumorlens.errors import TumorlensError
from tumorlens.model_card.checklists.card_statements import STATEMENTS

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where PyYAML was built with libyaml


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in STATEMENTS]
    if unknown:
        raise ValueError(f"statement {unknown[0]!r} found; expected one of {', '.join(STATEMENTS)}")
    return names


class ChecklistItem(BaseModel):
    """One item of a checklist.

    Attributes:
        number: in the checklist, such as ``"12a"``.
        question: in our own words.
        statements: names of the functions in `STATEMENTS` that answer it; empty where a card cannot.
        authors: what the authors have to add in any case; empty where the card can answer it completely.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    question: str
    statements: Annotated[tuple[str, ...], AfterValidator(_known)] = ()
    authors: str = ""


class ChecklistSection(BaseModel):
    """Items under one heading of a checklist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    items: tuple[ChecklistItem, ...]


class Checklist(BaseModel):
    """A reporting checklist.

    Attributes:
        name: as authors cite it.
        citation: where it is published.
        counted: the noun for its items in the summary line.
        sections: in the order of the publication.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    citation: str
    counted: str
    sections: tuple[ChecklistSection, ...]

    @property
    def items(self) -> Iterator[ChecklistItem]:
        """All items, in order."""
        return (item for section in self.sections for item in section.items)


def read_checklist(path: Path) -> Checklist:
    """Read a checklist.

    Args:
        path: a YAML file.

    Raises:
        TumorlensError: it is no checklist; says the first key that is wrong.
    """
    try:
        return Checklist.model_validate(yaml.load(path.read_text(encoding="utf-8"), _SafeLoader))
    except (ValidationError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise TumorlensError(file=path, found=reason, expected="a checklist with the keys of claim.yaml") from None
