"""SVG file of matplotlib -> one ``<svg>`` element that can stand in a page beside others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

TOOLTIP = "tooltip:"
"""Begins the id of a group that gets the rest of the id as its tooltip."""
_LARGEST = 1.3  # a chart is not enlarged further: its text would be larger than that of the page
SMALLEST = 0.92  # a narrower figure scrolls: the text of the chart stays at least 10 pixels high
_KEPT = ("d", "x", "y", "style", "transform", "width", "height")
_LINK = "{http://www.w3.org/1999/xlink}href"


def inline_svg(document: str, description: str, width: float) -> str:
    """Make an SVG file an element of a page.

    It loses what concerns a whole page or leads out of it: ids, style sheets, metadata and addresses, and clip paths,
    since all data of a chart lies within its axes. Symbols that the file defines once and uses many times, such as
    markers, are copied to these places.

    Args:
        document: an SVG file of matplotlib.
        description: what a screen reader says; XML must allow its characters.
        width: in CSS pixels, at which the text has its natural size.
    """
    root = ElementTree.fromstring(document)
    symbols = {f"#{element.get('id')}": element for element in root.iter() if element.get("id")}
    size = f"min-width:{SMALLEST * width:.0f}px;max-width:{_LARGEST * width:.0f}px"
    svg = ElementTree.Element(
        "svg",
        {
            "viewBox": root.get("viewBox", ""),
            "role": "img",
            "aria-label": description,
            "style": f"{size};font-family:sans-serif;stroke-linejoin:round",
        },
    )
    for child in root:
        _append(svg, child, symbols)
    return ElementTree.tostring(svg, encoding="unicode")


def _append(
    parent: ElementTree.Element, element: ElementTree.Element, symbols: Mapping[str, ElementTree.Element]
) -> None:
    """Append a copy of an element that has no id and no link; of a group without a tooltip its content alone."""
    name = element.tag.rpartition("}")[2]
    if name in ("metadata", "defs"):
        return
    if name == "use":
        parent.append(_copied_symbol(element, symbols[element.get(_LINK, "")]))
        return
    if name == "g":
        tooltip = element.get("id", "").partition(TOOLTIP)[2]
        if tooltip:
            parent = ElementTree.SubElement(parent, "g")
            ElementTree.SubElement(parent, "title").text = tooltip
        for child in element:
            _append(parent, child, symbols)
        return
    copy = ElementTree.SubElement(parent, name, _attributes(element))
    copy.text = element.text if name == "text" else None


def _copied_symbol(use: ElementTree.Element, symbol: ElementTree.Element) -> ElementTree.Element:
    attributes = _attributes(symbol)
    style = _declarations(use.get("style", "")) | _declarations(symbol.get("style", ""))
    place = f"translate({_short(use.get('x', '0'))} {_short(use.get('y', '0'))})"
    written = ";".join(f"{key}:{value}" for key, value in style.items())
    return ElementTree.Element("path", attributes | {"transform": place, "style": _short(written)})


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    found = {key: _short(element.get(key, "")) for key in _KEPT if element.get(key)}
    if found.get("transform", "").startswith("rotate(-0 "):
        del found["transform"]
    if "style" in found:  # the font of the layout is seldom there
        found["style"] = re.sub(r"; font-family: [^;]*|(?<=px) '[^;]*", "", found["style"])
        found["style"] = (
            re.sub(r"\bfont: ((?:\w+ )*)([\d.]+px)", _font, found["style"]).replace(": ", ":").replace("; ", ";")
        )
    return found


def _font(found: re.Match[str]) -> str:
    """``font-size`` and ``font-weight`` in place of the shorthand that older versions of matplotlib write."""
    weight = f"; font-weight: {found[1].split()[-1]}" if found[1] else ""
    return f"font-size: {found[2]}{weight}"


def _declarations(style: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in style.split(";") if declaration.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _short(numbers: str) -> str:
    """Numbers to a hundredth of a pixel, and single spaces."""
    rounded = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return " ".join(rounded.split())
