"""Published method + data -> its published protocol and a leak-free one, side by side."""

from tumorlens.experiments.reproduction.protocol_result import ProtocolResult, ReproductionRow
from tumorlens.experiments.reproduction.published_methods import (
    PUBLISHED_METHODS,
    Claim,
    PublishedMethod,
    find_published_method,
)
from tumorlens.experiments.reproduction.reproduce import reproduce
from tumorlens.experiments.reproduction.reproduction_files import reproduction_page, write_reproduction
from tumorlens.experiments.reproduction.reproduction_result import Reproduction

__all__ = [
    "PUBLISHED_METHODS",
    "Claim",
    "ProtocolResult",
    "PublishedMethod",
    "Reproduction",
    "ReproductionRow",
    "find_published_method",
    "reproduce",
    "reproduction_page",
    "write_reproduction",
]
