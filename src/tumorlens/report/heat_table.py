"""Figures of two kinds of things -> a table in which the bad cells are warm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tumorlens.report.text import escape

_FULL = 0.6  # opacity of the warmest cell: dark and light text keep a contrast of 4.5 on it


@dataclass(frozen=True)
class HeatCell:
    """One cell.

    Attributes:
        text: the figure.
        small: below it, in small print.
        heat: 0 for as the page is, 1 for the warmest.
        title: what is said of it when it is pointed at.
        wide: over so many columns.
    """

    text: str
    small: str = ""
    heat: float = 0.0
    title: str = ""
    wide: int = 1


def heat_table(headers: Sequence[str], rows: Iterable[tuple[str, Sequence[HeatCell]]]) -> str:
    """A table whose first column names the row; color says nothing that the figures do not say.

    Args:
        headers: one for each column.
        rows: the name, and cells for the other columns.

    Raises:
        ValueError: a row has another width than `headers`.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headers)
    body = ""
    for name, cells in rows:
        if sum(cell.wide for cell in cells) != len(headers) - 1:
            raise ValueError(f"row {name!r} fills {sum(c.wide for c in cells)} columns of {len(headers) - 1}")
        body += f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, cells))}</tr>\n'
    return (
        f'<div class="scroll" tabindex="0"><table class="heat">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _cell(cell: HeatCell) -> str:
    warmth = _FULL * min(1.0, max(0.0, cell.heat))
    # in words of its own, since a page's series colors have another lightness in the dark
    style = f' style="background:rgba(184,72,11,{warmth:.2f})"' if warmth >= 0.005 else ""
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    wide = f' colspan="{cell.wide}"' if cell.wide > 1 else ""
    small = f"<small>{escape(cell.small)}</small>" if cell.small else ""
    return f"<td{wide}{title}{style}>{escape(cell.text)}{small}</td>"
