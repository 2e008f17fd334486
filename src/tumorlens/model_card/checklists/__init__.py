"""card -> the reporting sheet of a journal: CLAIM or TRIPOD+AI, filled in as far as the card knows."""

from tumorlens.model_card.checklists.checklist_item import Checklist, ChecklistItem, Tally
from tumorlens.model_card.checklists.claim import CLAIM
from tumorlens.model_card.checklists.fill import BLANK, Filled, fill, markdown, tally, write_checklist
from tumorlens.model_card.checklists.tripod_ai import TRIPOD_AI

CHECKLISTS = {"claim": CLAIM, "tripod-ai": TRIPOD_AI}

__all__ = [
    "BLANK",
    "CHECKLISTS",
    "CLAIM",
    "TRIPOD_AI",
    "Checklist",
    "ChecklistItem",
    "Filled",
    "Tally",
    "fill",
    "markdown",
    "tally",
    "write_checklist",
]
