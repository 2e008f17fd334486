"""Chart -> a file that needs no page around it, for papers and slides."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from tumorlens._files import atomic_write
from tumorlens.errors import DataError
from tumorlens.report.plots.charts import Chart, figure_bytes, render_chart

SUFFIXES = (".svg", ".png", ".pdf")
_DPI = 300  # of PNG files


def render_standalone(chart: Chart) -> str:
    """The chart as the text of an SVG file, in the style of the pages."""
    root = ElementTree.fromstring(render_chart(chart))
    width, height = chart.size
    namespace = {"xmlns": "http://www.w3.org/2000/svg"}
    root.attrib = {**namespace, **root.attrib, "width": f"{width:g}", "height": f"{height:g}"}
    root.set("style", "font-family:'DejaVu Sans',Arial,sans-serif;stroke-linejoin:round")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def save_chart(chart: Chart, path: str | Path) -> None:
    """Write the chart as a file, in the style of the pages; a PNG has 300 dots per inch.

    Raises:
        DataError: the suffix is not .svg, .png or .pdf.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(file=path, found=f"suffix '{suffix}' found", expected=", ".join(SUFFIXES))
    with atomic_write(path) as part:
        if suffix == ".svg":
            part.write_text(render_standalone(chart), encoding="utf-8")
        else:
            part.write_bytes(figure_bytes(chart, suffix[1:], dpi=_DPI))
