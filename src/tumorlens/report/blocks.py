"""Text, numbers, charts and images -> blocks: the content of a report as plain data.

A section holds a tuple of blocks. A test or another program can read them; `render` alone turns them into HTML.
The lower-case functions make a tuple of one block, so that content is joined with ``+``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from tumorlens.report.plots.charts import Chart
from tumorlens.report.reading_help import ReadingHelp, reading_help
from tumorlens.report.text import number

if TYPE_CHECKING:
    from PIL import Image

    from tumorlens.stats import Estimate

NoteKind = Literal["ok", "info", "warning", "danger"]
Mark = Literal["right", "wrong", "differs"]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of running text."""

    text: str


@dataclass(frozen=True)
class Note:
    """A banner; the page also writes its kind as a word, since color alone does not reach everybody."""

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class Verdict:
    """A conclusion, always together with what it does not establish.

    Attributes:
        texts: the conclusion, one sentence each.
        limit: what it does not establish.
        kind: of its banner; None for plain paragraphs.
    """

    texts: tuple[str, ...]
    limit: str
    kind: NoteKind | None = None


@dataclass(frozen=True)
class Links:
    """Other pages of the same results.

    Attributes:
        text: what they are.
        items: the words of each link, and its address relative to the page, with ``/``.

    Raises:
        ValueError: an address that is not relative: a page has no outside address.
    """

    text: str
    items: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for _, address in self.items:
            if ":" in address or address.startswith("/"):
                raise ValueError(f"address {address!r}; expected one relative to the page")


@dataclass(frozen=True)
class Tile:
    """A headline result.

    Attributes:
        label: its name, for example ``"accuracy"``.
        value: an estimate, shown with its interval and its evidence; or text, shown as it is.
        percent: write an estimate as a percentage.
        hint: small print in place of the evidence.
    """

    label: str
    value: Estimate | str
    percent: bool = True
    hint: str | None = None


@dataclass(frozen=True)
class Tiles:
    """Headline results side by side: the value, its 95 % interval, and the number of images and patients."""

    items: tuple[Tile, ...]


@dataclass(frozen=True)
class KeyValues:
    """Names and their values, one pair per line."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TableBlock:
    """A table; the first cell of each row names the row.

    Attributes:
        headers: one per column.
        rows: as many cells as headers.
        align: one letter per column, ``"l"`` or ``"r"``.
        reading: how to read it; every table has one.

    Raises:
        ValueError: a row, or `align`, has another length than `headers`.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    reading: ReadingHelp

    def __post_init__(self) -> None:
        width = len(self.headers)
        if len(self.align) != width:
            raise ValueError(
                f"align {self.align!r} has {len(self.align)} letters; expected one for each of {width} columns"
            )
        for row in self.rows:
            if len(row) != width:
                raise ValueError(f"row {row} has {len(row)} cells; expected one for each of {width} columns")


@dataclass(frozen=True)
class Code:
    """A command or an excerpt of a file, as it is."""

    text: str


@dataclass(frozen=True)
class Details:
    """Long content that opens on a click."""

    summary: str
    blocks: Blocks


@dataclass(frozen=True)
class Columns:
    """Blocks side by side where the window is wide enough, below each other where it is not."""

    columns: tuple[Blocks, ...]


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart or an image with its caption.

    Attributes:
        content: the data of a chart, or an image.
        caption: one line below it; may be empty.
        alt: what a screen reader says instead of an image; a chart makes its own.
        reading: how to read it; every chart has one.

    Raises:
        ValueError: a chart without a guide.
    """

    content: Chart | Image.Image
    caption: str = ""
    alt: str = ""
    reading: ReadingHelp | None = None

    def __post_init__(self) -> None:
        if isinstance(self.content, Chart) and self.reading is None:
            raise ValueError(f"a {type(self.content).__name__} without a reading guide")


@dataclass(frozen=True, eq=False)
class CaptionedImage:
    """One image of a grid.

    Attributes:
        image: any mode.
        caption: the lines below it, separated by newlines.
        alt: what a screen reader says instead of the image.
        mark: whether the prediction shown is right or wrong, or that the labels of a pair differ; None where there is
            nothing to mark.
    """

    image: Image.Image
    caption: str
    alt: str
    mark: Mark | None = None


@dataclass(frozen=True)
class ImageGrid:
    """A grid of images with their captions.

    Attributes:
        items: in reading order.
        longest: larger images are reduced to this many pixels on their longer side. All are stored as JPEG, so
            that a grid of fifty stays below two megabytes.
        wide: two columns, for images that are two side by side.
        strip: one row, which scrolls sideways; for slices in their order.
        reading: how to read them; None where the captions say all.
    """

    items: tuple[CaptionedImage, ...]
    longest: int = 384
    wide: bool = False
    strip: bool = False
    reading: ReadingHelp | None = None


@dataclass(frozen=True)
class HeatCell:
    """One cell of a heat table.

    Attributes:
        text: its value.
        small: small print below the value.
        heat: 0 for the color of the page, 1 for the warmest color.
        title: the tooltip.
        wide: the number of columns it spans.
    """

    text: str
    small: str = ""
    heat: float = 0.0
    title: str = ""
    wide: int = 1


@dataclass(frozen=True)
class HeatTable:
    """A table whose cells are the warmer the worse they are; the color repeats what the values say.

    Attributes:
        headers: one per column.
        rows: the name of the row, and the cells of the other columns.
        reading: how to read it.

    Raises:
        ValueError: a row has another width than `headers`.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    reading: ReadingHelp

    def __post_init__(self) -> None:
        for name, cells in self.rows:
            width = sum(cell.wide for cell in cells)
            if width != len(self.headers) - 1:
                raise ValueError(f"row {name!r} fills {width} columns of {len(self.headers) - 1}")


Block = (
    Paragraph
    | Note
    | Verdict
    | Links
    | Tiles
    | KeyValues
    | TableBlock
    | Code
    | Details
    | Columns
    | Figure
    | ImageGrid
    | HeatTable
)
Blocks = tuple[Block, ...]

BlockType = TypeVar("BlockType", bound=Block)


@dataclass(frozen=True)
class Section:
    """One section of a page.

    Attributes:
        title: its heading.
        blocks: its content, from top to bottom.
        lead: a sentence below the heading that says what the section shows and how to read it.
    """

    title: str
    blocks: Blocks
    lead: str | None = None


def paragraph(text: str) -> Blocks:
    """A paragraph of running text."""
    return (Paragraph(text),)


def note(kind: NoteKind, text: str) -> Blocks:
    """A banner."""
    return (Note(kind, text),)


def verdict(texts: str | Iterable[str], limit: str, kind: NoteKind | None = None) -> Blocks:
    """A conclusion and what it does not establish; no block for no conclusion.

    Args:
        texts: the conclusion, one sentence each.
        limit: what it does not establish.
        kind: of its banner; None for plain paragraphs.
    """
    sentences = (texts,) if isinstance(texts, str) else tuple(texts)
    return (Verdict(sentences, limit, kind),) if sentences else ()


def links(text: str, items: Iterable[tuple[str, str]]) -> Blocks:
    """Links to other pages of the same results.

    Args:
        text: what they are.
        items: the words of each link, and its address relative to the page, with ``/``.
    """
    return (Links(text, tuple(items)),)


def tiles(items: Iterable[Tile]) -> Blocks:
    """Headline results side by side."""
    return (Tiles(tuple(items)),)


def key_values(items: Iterable[tuple[str, object]]) -> Blocks:
    """Names and their values, one pair per line."""
    return (KeyValues(tuple((key, str(value)) for key, value in items)),)


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], align: str | None = None, *, reading: str | ReadingHelp
) -> Blocks:
    """A table whose first column names the row.

    Args:
        headers: one per column.
        rows: as many cells as headers; a float is written with three decimals, and an empty cell as a dash.
        align: one letter per column, ``"l"`` or ``"r"``; None aligns the first column to the left, the others
            to the right.
        reading: how to read it, or its name in ``reading_help.yaml``.

    Raises:
        ValueError: a row, or `align`, has another length than `headers`, or there is no such guide.
    """
    words = tuple(tuple(number(cell) if isinstance(cell, float) else str(cell) or "–" for cell in row) for row in rows)
    columns = "l" + "r" * (len(headers) - 1) if align is None else align
    return (TableBlock(tuple(headers), words, columns, reading_help(reading)),)


def code(text: str) -> Blocks:
    """A command or an excerpt of a file, as it is."""
    return (Code(text),)


def details(summary: str, blocks: Blocks) -> Blocks:
    """Long content that opens on a click."""
    return (Details(summary, blocks),)


def columns(*blocks: Blocks) -> Blocks:
    """Blocks side by side where the window is wide enough."""
    return (Columns(blocks),)


def figure(
    content: Chart | Image.Image, caption: str = "", alt: str = "", *, reading: str | ReadingHelp | None = None
) -> Blocks:
    """A chart or an image with its caption.

    Args:
        content: the data of a chart, or an image.
        caption: one line below it.
        alt: what a screen reader says instead of an image.
        reading: how to read it, or its name in ``reading_help.yaml``; a chart must have one.

    Raises:
        ValueError: a chart without a guide, or there is no such guide.
    """
    return (Figure(content, caption, alt, reading_help(reading) if reading else None),)


def contact_sheet(
    items: Iterable[CaptionedImage], longest: int = 384, wide: bool = False, *, reading: str | ReadingHelp | None = None
) -> Blocks:
    """A grid of images with their captions; no block for no images."""
    images = tuple(items)
    help = reading_help(reading) if reading else None
    return (ImageGrid(images, longest, wide, reading=help),) if images else ()


def strip_of_images(items: Iterable[CaptionedImage], longest: int = 384) -> Blocks:
    """Images in one row that scrolls sideways; no block for no images."""
    images = tuple(items)
    return (ImageGrid(images, longest, strip=True),) if images else ()


def heat_table(
    headers: Sequence[str], rows: Iterable[tuple[str, Sequence[HeatCell]]], *, reading: str | ReadingHelp
) -> Blocks:
    """A table whose cells are the warmer the worse they are.

    Args:
        headers: one per column.
        rows: the name of the row, and the cells of the other columns.
        reading: how to read it, or its name in ``reading_help.yaml``.

    Raises:
        ValueError: a row has another width than `headers`, or there is no such guide.
    """
    named = tuple((name, tuple(cells)) for name, cells in rows)
    return (HeatTable(tuple(headers), named, reading_help(reading)),)


def find_blocks(blocks: Blocks, kind: type[BlockType]) -> list[BlockType]:
    """All blocks of one type in reading order, also those inside of `Details` and `Columns`."""
    return [block for block in _flat(blocks) if isinstance(block, kind)]


def section_to_dict(section: Section) -> dict[str, object]:
    """Title, lead, texts, verdicts and tables of a section, ready for JSON; charts and images are left out."""
    return {
        "title": section.title,
        "lead": section.lead,
        "paragraphs": [block.text for block in find_blocks(section.blocks, Paragraph)],
        "notes": [{"kind": block.kind, "text": block.text} for block in find_blocks(section.blocks, Note)],
        "verdicts": [
            {"texts": list(block.texts), "does_not_establish": block.limit}
            for block in find_blocks(section.blocks, Verdict)
        ],
        "tables": [
            {"headers": list(block.headers), "rows": [list(row) for row in block.rows]}
            for block in find_blocks(section.blocks, TableBlock)
        ],
    }


def _flat(blocks: Blocks) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from _flat(block.blocks)
        elif isinstance(block, Columns):
            for column in block.columns:
                yield from _flat(column)
