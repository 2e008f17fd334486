"""SVG of matplotlib becomes one element that can stand in a page beside others."""

from __future__ import annotations

import re
from functools import cache
from xml.etree import ElementTree

import pytest

from tests.report.plots.examples import (
    CHARTS,
)
from tumorlens.report.plots import (
    render_chart,
)
from tumorlens.report.plots.inline_svg import inline_svg
from tumorlens.report.plots.page_style import FONT_SIZE


@cache
def rendered(name: str) -> str:
    """A chart of the examples, rendered once for all tests of this file."""
    return render_chart(CHARTS[name])


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_on_a_page_has_no_ids_links_styles_or_addresses(name: str) -> None:
    svg = rendered(name)
    assert not re.search(r"\bid=|href|url\(|xmlns|https?:|<style|<script|metadata|clip-path", svg)
    assert svg == render_chart(CHARTS[name])


@pytest.mark.parametrize("name", CHARTS)
def test_text_is_text_of_at_least_ten_pixels_at_a_width_of_400(name: str) -> None:
    root = ElementTree.fromstring(rendered(name))
    width = float(root.get("viewBox", "").split()[2])
    texts = list(root.iter("text"))
    sizes = [float(re.findall(r"font-size:([\d.]+)px", text.get("style", ""))[0]) for text in texts]
    narrowest = float(re.findall(r"min-width:([\d.]+)px", root.get("style", ""))[0])
    assert min(sizes) * narrowest / width >= 10
    assert min(sizes) == FONT_SIZE
    assert not any("font-family" in text.get("style", "") for text in texts)
    assert "font-family:sans-serif" in root.get("style", "")


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_lies_outside_of_the_chart(name: str) -> None:
    root = ElementTree.fromstring(rendered(name))
    width, height = map(float, root.get("viewBox", "").split()[2:])
    for path in root.iter("path"):
        if not path.get("transform"):
            values = [float(v) for v in re.findall(r"-?[\d.]+", path.get("d", ""))]
            assert -1 <= min(values[0::2]) <= max(values[0::2]) <= width + 1
            assert -1 <= min(values[1::2]) <= max(values[1::2]) <= height + 1
    for text in root.iter("text"):
        place = re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", text.get("transform", ""))
        x, y = place[0] if place else (text.get("x", ""), text.get("y", ""))  # rotated, or not
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height


def test_the_font_shorthand_of_older_matplotlib_is_read() -> None:
    old = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="text_1">'
        '<text style="font: 700 11px \'DejaVu Sans\', \'Arial\', sans-serif; fill: #1a2127" x="1" y="2">a</text>'
        '<text style="font: 11px \'DejaVu Sans\', sans-serif; text-anchor: middle" x="1" y="2">b</text></g></svg>'
    )
    styles = [text.get("style") for text in ElementTree.fromstring(inline_svg(old, "d", 400)).iter("text")]
    assert styles == ["font-size:11px;font-weight:700;fill:#1a2127", "font-size:11px;text-anchor:middle"]
