"""Sections -> one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from tumorlens._files import atomic_write
from tumorlens.report.blocks import Section
from tumorlens.report.page_footer import PageFooter
from tumorlens.report.templating import render_template

RESEARCH_ONLY = (
    "For research use only. Not a medical device: not to be used for diagnosis or for decisions on treatment."
)


def render_page(title: str, subtitle: str, sections: Sequence[Section], footer: PageFooter) -> str:
    """The whole document. Every text is escaped.

    Args:
        title: also the title of the browser's tab.
        subtitle: one line below it: which model, which data, when.
        sections: from top to bottom; three or more get a line of links to them.
        footer: the small print. `RESEARCH_ONLY` is always there, above the title in short and in the footer in full.
    """
    from markupsafe import Markup

    style = resources.files("tumorlens.report").joinpath("style.css").read_text(encoding="utf-8")
    return render_template(
        "page.html.j2",
        title=title,
        subtitle=subtitle,
        sections=sections,
        footer=footer,
        research_only=RESEARCH_ONLY,
        style=Markup(style),
    )


def save_page(document: str, path: str | Path) -> None:
    """Write a page as UTF-8, atomically: the file appears only when it is complete."""
    with atomic_write(path) as temporary:
        temporary.write_text(document, encoding="utf-8")
