"""Plain data -> one HTML page that needs nothing else: no network, no script, no other file.

Every helper returns a piece of HTML and escapes the text it is given; only `Section.body_html` and the
arguments that end in ``_html`` are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tumorlens._files import appearing
from tumorlens.report.text import escape, evidence, interval, number

if TYPE_CHECKING:
    from tumorlens.stats import Estimate

RESEARCH_ONLY = (
    "For research use only. Not a medical device: not to be used for diagnosis or for decisions on treatment."
)
# The page may load nothing at all, even if a hostile name got past the escaping.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Attributes:
        title: its heading.
        body_html: the pieces, joined.
        lead: a sentence under the heading that says what is seen and how to read it.
    """

    title: str
    body_html: str
    lead: str | None = None


@dataclass(frozen=True)
class Tile:
    """A headline figure.

    Attributes:
        label: what it is, for example ``"accuracy"``.
        value: an estimate, shown with its interval and its evidence; or a few words, shown as they are.
        percent: write an estimate as a percentage.
        hint: small print in place of the evidence.
    """

    label: str
    value: Estimate | str
    percent: bool = True
    hint: str | None = None


def page(title: str, subtitle: str, sections: Sequence[Section], footer: Sequence[str] = ()) -> str:
    """The whole document.

    Args:
        title: also the title of the browser's tab.
        subtitle: one line under it: which model, which data, when.
        sections: from top to bottom; three or more get a line of links to them.
        footer: lines of small print, for example version and fingerprints. `RESEARCH_ONLY` is always
            there, above the title in short and in the footer in full.
    """
    style = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    parts = "\n".join(_section(i, section) for i, section in enumerate(sections, start=1))
    small_print = "".join(f"<p>{escape(line)}</p>" for line in footer)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="badge">Research use only · not a medical device</p>
<h1>{escape(title)}</h1>
<p class="subtitle">{escape(subtitle)}</p>
{_contents(sections)}</header>
<main>
{parts}
</main>
<footer>
<p><strong>{RESEARCH_ONLY}</strong></p>
{small_print}
</footer>
</body>
</html>
"""


def save_page(document: str, path: str | Path) -> None:
    """Write a page as UTF-8; it appears under its name only when it is whole."""
    with appearing(path) as temporary:
        temporary.write_text(document, encoding="utf-8")


def paragraph(text: str) -> str:
    """A paragraph of running text."""
    return f"<p>{escape(text)}</p>\n"


def note(kind: Literal["ok", "info", "warning", "danger"], text: str) -> str:
    """A banner; its kind is said in words too, since color alone does not reach everybody."""
    word = {"ok": "Good", "info": "Note", "warning": "Caution", "danger": "Warning"}[kind]
    return f'<p class="note {kind}" role="note"><strong>{word}.</strong> {escape(text)}</p>\n'


def tiles(items: Iterable[Tile]) -> str:
    """Headline figures side by side: the number, its 95 % interval, and what it rests on."""
    return f'<dl class="tiles">\n{"".join(_tile(item) for item in items)}</dl>\n'


def key_values(items: Iterable[tuple[str, object]]) -> str:
    """Names and their values, one pair a line."""
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>\n" for key, value in items)
    return f'<dl class="pairs">\n{rows}</dl>\n'


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], align: str | None = None) -> str:
    """A table whose first column names the row.

    Args:
        headers: one for each column.
        rows: as many cells as headers; a float is written with three decimals.
        align: one letter for each column, ``"l"`` or ``"r"``; None sets the first to the left, the others
            to the right.

    Raises:
        ValueError: a row, or `align`, has another length than `headers`.
    """
    sides = align if align is not None else "l" + "r" * (len(headers) - 1)
    classes = ["number" if side == "r" else "words" for side in sides]
    head = "".join(
        f'<th scope="col" class="{class_}">{escape(name)}</th>' for name, class_ in zip(headers, classes, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, classes)}</tr>\n" for row in rows)
    # A wide table scrolls inside its own box, which the keyboard can reach.
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def code(text: str) -> str:
    """A command or an excerpt of a file, as it is."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>\n'


def details(summary: str, body_html: str) -> str:
    """Something long that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary>\n{body_html}</details>\n"


def figure(image_html: str, caption: str = "") -> str:
    """A chart or an image with its caption."""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{image_html}{words}</figure>\n"


def columns(*blocks_html: str) -> str:
    """Blocks side by side where the window is wide enough, below each other where it is not."""
    blocks = "".join(f"<div>{block}</div>\n" for block in blocks_html)
    return f'<div class="columns">\n{blocks}</div>\n'


def _section(index: int, section: Section) -> str:
    lead = f'<p class="lead">{escape(section.lead)}</p>\n' if section.lead else ""
    return (
        f'<section id="part-{index}" aria-labeledby="title-{index}">\n'
        f'<h2 id="title-{index}">{escape(section.title)}</h2>\n{lead}{section.body_html}</section>'
    )


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < 3:
        return ""
    links = "".join(f'<a href="#part-{i}">{escape(s.title)}</a>\n' for i, s in enumerate(sections, start=1))
    return f'<nav aria-label="Contents">\n{links}</nav>\n'


def _tile(item: Tile) -> str:
    if isinstance(item.value, str):
        big, middle, small = item.value, "", item.hint or ""
    else:
        big = number(item.value.value, item.percent)
        middle = interval(item.value, item.percent)
        if item.value.low is not None:
            middle = f"95 % CI {middle}"
        small = item.hint or evidence(item.value)
    lines = "".join(
        f'<dd class="{class_}">{escape(words)}</dd>'
        for class_, words in (("big", big), ("interval", middle), ("rests-on", small))
        if words
    )
    return f"<div><dt>{escape(item.label)}</dt>{lines}</div>\n"


def _cells(row: Sequence[object], classes: Sequence[str]) -> str:
    words = [number(cell) if isinstance(cell, float) else str(cell) for cell in row]
    first, *others = (f' class="{class_}">{escape(word)}' for word, class_ in zip(words, classes, strict=True))
    return f'<th scope="row"{first}</th>' + "".join(f"<td{other}</td>" for other in others)
