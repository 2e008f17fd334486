"""Plain data -> a short piece of HTML that stands for an object in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL import Image

from tumorlens.report.images import data_uri
from tumorlens.report.text import escape

_LONGEST = 320  # pixels of the image on its longer side
_SHORTEST = 160  # smaller images are enlarged to this
_CELL = "text-align:left;padding:2px 12px 2px 0;border:0"
_MESSAGE = "margin:4px 0;padding:2px 8px;border-left:4px solid #d97706"


def notebook_html(
    title: str,
    facts: Iterable[tuple[str, object]] = (),
    *,
    image: Image.Image | None = None,
    alt: str = "",
    warnings: Sequence[str] = (),
    note: str = "",
) -> str:
    """A heading with a table of facts, beside an image. Every text is escaped.

    The styles are inside of the elements, since notebooks show several of these in one page, and some viewers remove
    style sheets.

    Args:
        title: one line.
        facts: names and values.
        image: shown at 160 to 320 pixels on its longer side.
        alt: what a screen reader says instead of the image.
        warnings: each one sentence, above the facts.
        note: small print below.

    Example:
        >>> notebook_html("accuracy", [("value", "97.2 %")]).count("<tr>")
        1
    """
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL}">{escape(name)}</th><td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in facts
    )
    messages = "".join(f'<p style="{_MESSAGE}">{escape(text)}</p>' for text in warnings)
    table = f'<table style="border:0;border-collapse:collapse">{rows}</table>' if rows else ""
    small = f'<p style="font-size:smaller;margin:4px 0">{escape(note)}</p>' if note else ""
    shown = _image(image, alt) if image else ""
    heading = f'<p style="margin:0 0 4px"><strong>{escape(title)}</strong></p>'
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start">'
        f"{shown}<div>{heading}{messages}{table}{small}</div></div>"
    )


def _image(image: Image.Image, alt: str) -> str:
    longest = max(image.size)
    scale = min(max(longest, _SHORTEST), _LONGEST) / longest
    width, height = (max(1, round(side * scale)) for side in image.size)
    shown = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return f'<img src="{data_uri(shown)}" alt="{escape(alt)}" width="{width}" height="{height}">'
