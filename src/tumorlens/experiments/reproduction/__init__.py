"""System + data -> its published protocol and an honest one, run side by side."""

from tumorlens.experiments.reproduction.published_methods import SYSTEMS, Claim, System, find_system
from tumorlens.experiments.reproduction.reproduce import reproduce
from tumorlens.experiments.reproduction.reproduction_files import reproduction_page, write_reproduction
from tumorlens.experiments.reproduction.reproduction_result import Reproduction
from tumorlens.experiments.reproduction.sides import Row, Side

__all__ = [
    "SYSTEMS",
    "Claim",
    "Reproduction",
    "Row",
    "Side",
    "System",
    "find_system",
    "reproduce",
    "reproduction_page",
    "write_reproduction",
]
