"""card -> the reporting sheet of a journal: CLAIM or TRIPOD+AI, filled in as far as the card knows."""

from tumorlens.deploy.sheets.claim import CLAIM
from tumorlens.deploy.sheets.item import Item, Sheet, Tally
from tumorlens.deploy.sheets.tripod_ai import TRIPOD_AI
from tumorlens.deploy.sheets.write import BLANK, Filled, fill, markdown, tally, write_sheet

SHEETS = {"claim": CLAIM, "tripod-ai": TRIPOD_AI}

__all__ = ["BLANK", "SHEETS", "Filled", "Item", "Sheet", "Tally", "fill", "markdown", "tally", "write_sheet"]
