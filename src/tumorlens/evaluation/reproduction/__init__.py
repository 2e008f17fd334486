"""System + data -> its published protocol and an honest one, run side by side."""

from tumorlens.evaluation.reproduction.outcome import Reproduction
from tumorlens.evaluation.reproduction.reproduce import reproduce
from tumorlens.evaluation.reproduction.sides import Row, Side
from tumorlens.evaluation.reproduction.systems import SYSTEMS, Claim, System, find_system
from tumorlens.evaluation.reproduction.write import reproduction_page, write_reproduction

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
