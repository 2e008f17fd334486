"""Templates escape every field of every block, and a name that does not exist is an error."""

from __future__ import annotations

import re
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from jinja2 import UndefinedError
from PIL import Image

import tumorlens
from tests.fixtures.html import MALICIOUS, Page
from tumorlens.report import PageFooter, blocks, render_blocks, render_page
from tumorlens.report.plots import ConfusionChart
from tumorlens.report.plots.charts import Chart
from tumorlens.report.templating import environment, render_template
from tumorlens.stats import Estimate

ROOT = Path(__file__).parents[2]
NAMES = {"Image": Image, "Chart": Chart, "Estimate": Estimate}
"""What blocks.py imports for type checkers only."""
# Fields that need values that fit each other.
SHAPED = {"TableBlock.align": ["lr"], "ImageGrid.longest": [8], "HeatCell.wide": [1]}


class Hostile:
    """Values for every field of a dataclass; each text in them bears the name of its field, and a script."""

    def __init__(self) -> None:
        self.given: dict[str, list[str]] = {}

    def text(self, field: str) -> str:
        """A hostile text with a mark of its own."""
        marks = self.given.setdefault(field, [])
        marks.append(f"mark-{field}-{len(marks)}.")
        return marks[-1] + MALICIOUS

    def made(self, kind: Any) -> list[Any]:
        """Instances of a dataclass; together they have every alternative of every field."""
        hints = get_type_hints(kind, localns=NAMES)
        choices = {}
        for field in fields(kind):
            name = f"{kind.__name__}.{field.name}"
            choices[field.name] = SHAPED.get(name) or self.values(hints[field.name], name)
        if kind is blocks.TableBlock:
            choices["headers"] = [(self.text("TableBlock.headers"), self.text("TableBlock.headers"))]
            choices["rows"] = [((self.text("TableBlock.rows"), self.text("TableBlock.rows")),)]
        if kind is blocks.Links:
            choices["items"] = [((self.text("Links.items"), 'fold-0/a"b<.html'),)]
        if kind is blocks.HeatTable:
            choices["headers"] = [(self.text("HeatTable.headers"), self.text("HeatTable.headers"))]
        most = max(map(len, choices.values()))
        return [kind(**{name: found[i % len(found)] for name, found in choices.items()}) for i in range(most)]

    def values(self, hint: Any, field: str) -> list[Any]:
        """A value for each alternative of a type."""
        origin, inner = get_origin(hint), get_args(hint)
        if hint is str:
            return [self.text(field)]
        if hint is Estimate:
            return [Estimate(0.9, 0.8, 1.0, 10, 5, "patient", "bootstrap")]
        if hint is Image.Image:
            return [Image.new("L", (8, 8))]
        if hint is Chart:
            return [ConfusionChart([[1]], ["glioma"])]
        if hint == blocks.Block:
            return [blocks.Paragraph(self.text(field))]
        if is_dataclass(hint):
            return self.made(hint)
        if origin is Literal:
            return list(inner)
        if origin in (Union, types.UnionType):
            return [value for one in inner for value in self.values(one, field)]
        if origin is tuple and inner[-1] is Ellipsis:
            found = self.values(inner[0], field)
            return [(one,) for one in found] if field == "HeatTable.rows" else [tuple(found)]
        if origin is tuple:
            return [tuple(found) for found in zip(*(self.values(one, field) for one in inner), strict=False)]
        return {bool: [True, False], int: [1], float: [0.5], type(None): [None]}[hint]


def shown(document: str) -> str:
    """Everything of a page that came from values: its text, and the values of its attributes."""
    parsed = Page(document)
    return parsed.text + " ".join(value or "" for _, attributes in parsed.tags for value in attributes.values())


def harmless(document: str) -> Iterator[bool]:
    """Whether a document has no script, no handler, no address and no character that XML forbids."""
    parsed = Page(document)
    yield "<script" not in document
    yield "\0" not in document
    yield not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    yield all(
        (value or "").startswith(("data:image/", "#part-")) or value == "fold-0/a%22b%3C.html"
        for _, attributes in parsed.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "data")
    )


@pytest.mark.parametrize("kind", get_args(blocks.Block), ids=lambda kind: kind.__name__)
def test_every_text_of_every_block_is_shown_and_harmless(kind: Any) -> None:
    hostile = Hostile()
    document = render_blocks(tuple(hostile.made(kind)))
    assert all(harmless(document))
    text = shown(document)
    assert {field for field, marks in hostile.given.items() if not any(mark in text for mark in marks)} == set()


def test_every_text_around_the_blocks_is_shown_and_harmless() -> None:
    hostile = Hostile()
    sections = hostile.made(blocks.Section) * 3
    (footer,) = hostile.made(PageFooter)[:1]
    document = render_page(hostile.text("title"), hostile.text("subtitle"), sections, footer)
    assert all(harmless(document))
    text = shown(document)
    assert {field for field, marks in hostile.given.items() if not any(mark in text for mark in marks)} == set()


def test_every_block_has_a_macro() -> None:
    macros = environment().get_template("blocks.html.j2").module
    assert all(hasattr(macros, kind.__name__) for kind in get_args(blocks.Block))


def test_a_variable_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'subtitle' is undefined"):
        render_template("page.html.j2", title="t", style="")
    with pytest.raises(UndefinedError, match="no attribute 'heading'"):
        environment().from_string("{{ block.heading }}").render(block=blocks.Paragraph("a"))


def test_a_value_is_escaped_in_text_and_in_attributes() -> None:
    made = environment().from_string('<a title="{{ a }}">{{ a }}</a>').render(a="<\"'&\ud800\x01")
    escaped = "&lt;&#34;&#39;&amp;\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert made == f'<a title="{escaped}">{escaped}</a>'


def test_no_template_turns_escaping_off() -> None:
    for path in (ROOT / "src/tumorlens/report/templates").iterdir():
        source = path.read_text(encoding="utf-8")
        assert path.name.endswith(".html.j2")
        assert "autoescape" not in source
        assert not re.search(r"\|\s*safe\b", source)


@pytest.mark.parametrize("modules", ["tumorlens", "tumorlens.cli", "tumorlens.deploy.predictor", "tumorlens.report"])
def test_jinja2_is_imported_with_the_first_page(modules: str) -> None:
    code = f"import sys, {modules}; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow  # builds a wheel; pip fetches hatchling
def test_the_wheel_has_the_templates_the_style_and_the_checklists(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--quiet", "--wheel-dir", str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True)
    if "Could not find a version" in built.stderr:
        pytest.skip("no network")
    assert built.returncode == 0, built.stderr
    package = Path(tumorlens.__file__).parent
    data = [path for ending in ("*.j2", "*.css", "*.yaml") for path in package.rglob(ending)]
    (wheel,) = tmp_path.glob("*.whl")
    assert data
    assert {path.relative_to(package.parent).as_posix() for path in data} <= set(zipfile.ZipFile(wheel).namelist())
