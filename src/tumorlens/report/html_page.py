"""Sections -> one HTML page that needs nothing else: no network, no script, no other file.

Each text is escaped here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from PIL import Image

from tumorlens._files import atomic_write
from tumorlens.report.blocks import (
    Block,
    Blocks,
    CaptionedImage,
    Code,
    Columns,
    Details,
    Figure,
    HeatCell,
    HeatTable,
    ImageGrid,
    KeyValues,
    Note,
    Paragraph,
    Section,
    TableBlock,
    Tile,
    Tiles,
)
from tumorlens.report.images import data_uri
from tumorlens.report.plots.charts import render_chart
from tumorlens.report.text import escape, interval, number

RESEARCH_ONLY = (
    "For research use only. Not a medical device: not to be used for diagnosis or for decisions on treatment."
)
# The page may load nothing, even if a malicious name got past the escaping.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_FULL = 0.6  # opacity of the warmest cell: dark and light text keep a contrast of 4.5 on it


def render_page(title: str, subtitle: str, sections: Sequence[Section], footer: Sequence[str] = ()) -> str:
    """The whole document.

    Args:
        title: also the title of the browser's tab.
        subtitle: one line below it: which model, which data, when.
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


def render_blocks(blocks: Blocks) -> str:
    """The HTML of blocks, without a page around it."""
    return "".join(map(_block, blocks))


def save_page(document: str, path: str | Path) -> None:
    """Write a page as UTF-8, atomically: the file appears only when it is complete."""
    with atomic_write(path) as temporary:
        temporary.write_text(document, encoding="utf-8")


def _section(index: int, section: Section) -> str:
    lead = f'<p class="lead">{escape(section.lead)}</p>\n' if section.lead else ""
    return (
        f'<section id="part-{index}" aria-labelledby="title-{index}">\n'
        f'<h2 id="title-{index}">{escape(section.title)}</h2>\n{lead}{render_blocks(section.blocks)}</section>'
    )


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < 3:
        return ""
    links = "".join(f'<a href="#part-{i}">{escape(s.title)}</a>\n' for i, s in enumerate(sections, start=1))
    return f'<nav aria-label="Contents">\n{links}</nav>\n'


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>\n"
        case Note(kind, text):
            word = {"ok": "Good", "info": "Note", "warning": "Caveat", "danger": "Warning"}[kind]
            return f'<p class="note {kind}" role="note"><strong>{word}.</strong> {escape(text)}</p>\n'
        case Tiles(items):
            return f'<dl class="tiles">\n{"".join(map(_tile, items))}</dl>\n'
        case KeyValues(pairs):
            rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>\n" for key, value in pairs)
            return f'<dl class="pairs">\n{rows}</dl>\n'
        case TableBlock():
            return _table(block)
        case Code(text):
            return f'<pre tabindex="0"><code>{escape(text)}</code></pre>\n'
        case Details(summary, blocks):
            return f"<details><summary>{escape(summary)}</summary>\n{render_blocks(blocks)}</details>\n"
        case Columns(columns):
            inside = "".join(f"<div>{render_blocks(column)}</div>\n" for column in columns)
            return f'<div class="columns">\n{inside}</div>\n'
        case Figure():
            return _figure(block)
        case ImageGrid(images, longest, wide):
            entries = "".join(_grid_entry(item, longest) for item in images)
            return f'<ul class="sheet{" wide" * wide}">\n{entries}</ul>\n'
        case HeatTable():
            return _heat_table(block)


def _tile(item: Tile) -> str:
    if isinstance(item.value, str):
        big, middle, small = item.value, "", item.hint or ""
    else:
        big = number(item.value.value, item.percent)
        middle = interval(item.value, item.percent)
        if item.value.low is not None:
            middle = f"95 % CI {middle}"
        small = item.hint or item.value.evidence
    lines = "".join(
        f'<dd class="{class_}">{escape(words)}</dd>'
        for class_, words in (("big", big), ("interval", middle), ("rests-on", small))
        if words
    )
    return f"<div><dt>{escape(item.label)}</dt>{lines}</div>\n"


def _table(block: TableBlock) -> str:
    classes = ["number" if side == "r" else "words" for side in block.align]
    head = "".join(
        f'<th scope="col" class="{class_}">{escape(name)}</th>'
        for name, class_ in zip(block.headers, classes, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, classes)}</tr>\n" for row in block.rows)
    # A wide table scrolls inside its own box, which the keyboard can reach.
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _cells(row: Sequence[str], classes: Sequence[str]) -> str:
    first, *others = (f' class="{class_}">{escape(word)}' for word, class_ in zip(row, classes, strict=True))
    return f'<th scope="row"{first}</th>' + "".join(f"<td{other}</td>" for other in others)


def _figure(block: Figure) -> str:
    if isinstance(block.content, Image.Image):
        content = f'<img alt="{escape(block.alt)}" src="{data_uri(block.content, lossy=True)}">'
    else:
        content = render_chart(block.content)
    caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
    return f"<figure>{content}{caption}</figure>\n"


def _grid_entry(item: CaptionedImage, longest: int) -> str:
    image = item.image.convert("RGB")
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    mark = {"right": "✓ right", "wrong": "✗ wrong", None: ""}[item.mark]
    words = (f'<span class="mark">{mark}</span>\n' if mark else "") + escape(item.caption)
    frame = f'<figure class="is-{item.mark}">' if item.mark else "<figure>"
    return (
        f"<li>{frame}"
        f'<img src="{data_uri(image, lossy=True)}" alt="{escape(item.alt)}" '
        f'width="{image.width}" height="{image.height}">'
        f"<figcaption>{words}</figcaption></figure></li>\n"
    )


def _heat_table(block: HeatTable) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.headers)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_heat_cell, cells))}</tr>\n' for name, cells in block.rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="heat">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _heat_cell(cell: HeatCell) -> str:
    warmth = _FULL * min(1.0, max(0.0, cell.heat))
    # The color is written here, since the series colors of a page have another lightness in dark mode.
    style = f' style="background:rgba(184,72,11,{warmth:.2f})"' if warmth >= 0.005 else ""
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    wide = f' colspan="{cell.wide}"' if cell.wide > 1 else ""
    small = f"<small>{escape(cell.small)}</small>" if cell.small else ""
    return f"<td{wide}{title}{style}>{escape(cell.text)}{small}</td>"
