"""Template + plain data -> HTML: the one environment of all templates.

Jinja2 is imported with the first page: reading a scan or predicting needs none.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image

from tumorlens.report.blocks import Blocks, Tile
from tumorlens.report.images import data_uri
from tumorlens.report.plots.charts import Chart, render_chart
from tumorlens.report.text import interval, number, printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render_template(name: str, **values: object) -> str:
    """The HTML of a template in the folder ``templates``; every value in it is escaped.

    Args:
        name: of the file.
        values: the variables of the template; one that is missing is an error.

    Raises:
        jinja2.UndefinedError: the template names a variable or an attribute that does not exist.
    """
    return environment().get_template(name).render(values)


def render_blocks(blocks: Blocks) -> Markup:
    """The HTML of blocks, without a page around it."""
    from markupsafe import Markup

    macros = environment().get_template("blocks.html.j2").module
    return Markup("").join(getattr(macros, type(block).__name__)(block) for block in blocks)


@cache
def environment() -> Environment:
    """The environment: values are escaped, a missing one is an error, and no file is written."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tumorlens.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters |= {
        "blocks": render_blocks,
        "chart": _chart,
        "data_uri": _data_uri,
        "reduced": _reduced,
        "tile_lines": _tile_lines,
    }
    made.tests["image"] = lambda value: isinstance(value, Image.Image)
    return made


def _finalize(value: Any) -> Any:
    """Every value passes this before it is escaped; HTML has passed it already."""
    return value if hasattr(value, "__html__") else printable(value)


def _chart(chart: Chart) -> Markup:
    from markupsafe import Markup

    return Markup(printable(render_chart(chart)))


def _data_uri(image: Image.Image, lossy: bool = True) -> Markup:
    from markupsafe import Markup

    return Markup(data_uri(image, lossy))


def _reduced(image: Image.Image, longest: int) -> Image.Image:
    """At most `longest` pixels on its longer side."""
    small = image.convert("RGB")
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return small


def _tile_lines(tile: Tile) -> list[tuple[str, str]]:
    """Class and text of the lines of a tile, without empty ones."""
    if isinstance(tile.value, str):
        big, middle, small = tile.value, "", tile.hint or ""
    else:
        big = number(tile.value.value, tile.percent)
        middle = interval(tile.value, tile.percent)
        if tile.value.low is not None:
            middle = f"95 % CI {middle}"
        small = tile.hint or tile.value.evidence
    lines = (("big", big), ("interval", middle), ("rests-on", small))
    return [(kind, text) for kind, text in lines if text]
