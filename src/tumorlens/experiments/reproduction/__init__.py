"""System + data -> its published protocol and an honest one, run side by side."""

from tumorlens.experiments.reproduction.published_methods import (
    PUBLISHED_METHODS,
    Claim,
    PublishedMethod,
    find_published_method,
)
from tumorlens.experiments.reproduction.reproduce import reproduce
from tumorlens.experiments.reproduction.reproduction_files import reproduction_page, write_reproduction
from tumorlens.experiments.reproduction.reproduction_result import Reproduction
from tumorlens.experiments.reproduction.sides import Row, Side

__all__ = [
    "PUBLISHED_METHODS",
    "Claim",
    "PublishedMethod",
    "Reproduction",
    "Row",
    "Side",
    "find_published_method",
    "reproduce",
    "reproduction_page",
    "write_reproduction",
]
