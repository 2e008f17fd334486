"""Name -> reading guide of a chart or table: what it shows, what better and worse look like, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Guide:
    """How to read one chart or table; each field is one or two sentences.

    Attributes:
        shows: what is shown.
        better: what a good result looks like.
        worse: what a bad result looks like.
        then: what to do then.
    """

    shows: str
    better: str
    worse: str
    then: str


def find_guide(name: str | Guide) -> Guide:
    """The guide of this name in ``guides.yaml``; a `Guide` is returned as it is.

    Raises:
        ValueError: there is no such guide.
    """
    if isinstance(name, Guide):
        return name
    if name not in known_guides():
        raise ValueError(f"no reading guide is called {name!r}; add it to guides.yaml, or give a Guide")
    return known_guides()[name]


@cache
def known_guides() -> Mapping[str, Guide]:
    """Name -> guide, all of ``guides.yaml``."""
    import yaml

    text = resources.files("tumorlens.report").joinpath("guides.yaml").read_text(encoding="utf-8")
    return {name: Guide(**fields) for name, fields in yaml.safe_load(text).items()}
