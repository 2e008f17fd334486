"""Findings -> what a person reads: self-contained HTML pages, inline SVG charts, PNG overlays.

Given plain data, this room draws; it knows nothing of models.
"""

from tumorlens.report.images import CaptionedImage, contact_sheet, data_uri, marked, overlay, save_png, side_by_side
from tumorlens.report.page import (
    RESEARCH_ONLY,
    Section,
    Tile,
    code,
    columns,
    details,
    figure,
    key_values,
    note,
    page,
    paragraph,
    save_page,
    table,
    tiles,
)

__all__ = [
    "RESEARCH_ONLY",
    "CaptionedImage",
    "Section",
    "Tile",
    "code",
    "columns",
    "contact_sheet",
    "data_uri",
    "details",
    "figure",
    "key_values",
    "marked",
    "note",
    "overlay",
    "page",
    "paragraph",
    "save_page",
    "save_png",
    "side_by_side",
    "table",
    "tiles",
]
