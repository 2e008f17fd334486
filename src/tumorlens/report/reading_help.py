"""Name -> reading guide of a chart or table: what it shows, what better and worse look like, and what to do then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class ReadingHelp:
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


def reading_help(name: str | ReadingHelp) -> ReadingHelp:
    """The guide of this name in ``reading_help.yaml``; a `ReadingHelp` is returned as it is.

    Raises:
        ValueError: there is no such guide.
    """
    if isinstance(name, ReadingHelp):
        return name
    if name not in all_reading_help():
        raise ValueError(f"no reading guide is called {name!r}; add it to reading_help.yaml, or give a ReadingHelp")
    return all_reading_help()[name]


@cache
def all_reading_help() -> Mapping[str, ReadingHelp]:
    """Name -> guide, all of ``reading_help.yaml``."""
    import yaml

    text = resources.files("tumorlens.report").joinpath("reading_help.yaml").read_text(encoding="utf-8")
    return {name: ReadingHelp(**fields) for name, fields in yaml.safe_load(text).items()}
