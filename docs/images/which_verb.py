"""Writes which-verb.svg, the map of verbs of docs/how-to/which-verb.md: ``python docs/images/which_verb.py``.

Standard library only. The drawing has its own light background, so that it reads the same on a light and on a dark
page, and is 360 units wide, so that it fits a phone without being made smaller.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

FILE = Path(__file__).with_name("which-verb.svg")

# (what there is, an example of it, verbs that style at it, the verb that makes the next one of it)
STEPS = (
    ("images", "a folder or a table", ("data get", "data phantom", "audit", "index"), "data split"),
    ("split", "split.csv", ("audit", "recipes", "networks"), "train"),
    ("run", "a folder", ("evaluate", "explain", "compare", "benchmark"), "export"),
    ("model file", "one ONNX file", ("models", "card", "explain"), "predict"),
    ("predictions", "CSV, JSON, images", (), ""),
)
WIDTH, BOX_WIDTH, BOX_HEIGHT, GAP = 360, 174, 56, 64
LEFT, TOP, LINE = 14, 46, 19
VERBS_LEFT = LEFT + BOX_WIDTH + 30
HEIGHT = TOP + len(STEPS) * BOX_HEIGHT + (len(STEPS) - 1) * GAP + 16
INK, EDGE, FILL, VERB = "#1f2430", "#0a6b7d", "#e8f2f4", "#6a1b9a"
SANS, MONO = "system-ui, Helvetica, Arial, sans-serif", "ui-monospace, Menlo, Consolas, monospace"


def text(parent: ET.Element, x: float, y: float, words: str, *, mono: bool = False, bold: bool = False) -> None:
    """One line of text; verbs are in a fixed-width font."""
    style = {"font-family": MONO if mono else SANS, "fill": VERB if mono else INK, "font-size": "14"}
    if bold:
        style["font-weight"] = "bold"
    ET.SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", **style}).text = words


def line(parent: ET.Element, *points: tuple[float, float], arrow: bool = False) -> None:
    """A line through points, with an arrow head at its end if wanted."""
    attributes = {"points": " ".join(f"{x:g},{y:g}" for x, y in points), "fill": "none", "stroke": EDGE}
    if arrow:
        attributes["marker-end"] = "url(#head)"
    ET.SubElement(parent, "polyline", {**attributes, "stroke-width": "1.6"})


def step(parent: ET.Element, top: float, title: str, example: str, verbs: tuple[str, ...], following: str) -> None:
    """A box, the verbs beside it, and the arrow to the next box."""
    box = {"x": str(LEFT), "y": f"{top:g}", "width": str(BOX_WIDTH), "height": str(BOX_HEIGHT), "rx": "6"}
    ET.SubElement(parent, "rect", {**box, "fill": FILL, "stroke": EDGE, "stroke-width": "1.6"})
    text(parent, LEFT + 12, top + 24, title, bold=True)
    text(parent, LEFT + 12, top + 44, example)
    if verbs:
        first = top + BOX_HEIGHT / 2 - LINE * (len(verbs) - 1) / 2
        last = first + LINE * (len(verbs) - 1)
        line(parent, (LEFT + BOX_WIDTH, top + BOX_HEIGHT / 2), (VERBS_LEFT - 12, top + BOX_HEIGHT / 2))
        line(parent, (VERBS_LEFT - 12, first - 9), (VERBS_LEFT - 12, last + 9))
        for number, verb in enumerate(verbs):
            text(parent, VERBS_LEFT, first + number * LINE + 5, verb, mono=True)
    if following:
        bottom = top + BOX_HEIGHT
        line(parent, (LEFT + 40, bottom), (LEFT + 40, bottom + GAP - 8), arrow=True)
        text(parent, LEFT + 54, bottom + GAP / 2 + 2, following, mono=True, bold=True)


def diagram() -> str:
    """The whole diagram as SVG."""
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "width": str(WIDTH),
            "height": str(HEIGHT),
            "role": "img",
        },
    )
    ET.SubElement(root, "title").text = "Which verb turns what into what"
    definitions = ET.SubElement(root, "defs")
    shape = {"id": "head", "viewBox": "0 0 8 8", "refX": "4", "refY": "4", "markerWidth": "7", "markerHeight": "7"}
    head = ET.SubElement(definitions, "marker", {**shape, "orient": "auto"})
    ET.SubElement(head, "path", {"d": "M0,0 L8,4 L0,8 z", "fill": EDGE})
    frame = {"x": "0.5", "y": "0.5", "width": str(WIDTH - 1), "height": str(HEIGHT - 1), "rx": "8"}
    ET.SubElement(root, "rect", {**frame, "fill": "#ffffff", "stroke": "#c5ccd3"})
    text(root, LEFT, 27, "what you have", bold=True)
    text(root, VERBS_LEFT - 12, 27, "verbs for it", bold=True)
    for number, (title, example, verbs, following) in enumerate(STEPS):
        step(root, TOP + number * (BOX_HEIGHT + GAP), title, example, verbs, following)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


if __name__ == "__main__":
    FILE.write_text(diagram(), encoding="utf-8")
