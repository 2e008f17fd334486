"""Numbers -> SVG elements, axes and legends, which all charts share.

Elements have class names instead of colors; ``style.css`` defines the colors of the light and the dark page.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tumorlens.report.text import escape

SERIES = 8  # number of colors and dash patterns in style.css; further series repeat them


def element(tag: str, *children: str, tip: str = "", **attributes: object) -> str:
    """One element. `tip` becomes its tooltip; ``class_`` and ``text_anchor`` become class and text-anchor."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"' for name, value in attributes.items())
    inside = (f"<title>{escape(tip)}</title>" if tip else "") + "".join(children)
    return f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>"


def text(x: float, y: float, words: str, anchor: str = "start", class_: str = "", tip: str = "") -> str:
    """One line of text, escaped; `y` is its base line."""
    extra = {"class_": class_} if class_ else {}
    return element("text", escape(words), tip=tip, x=x, y=y, text_anchor=anchor, **extra)


def svg(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """The whole chart, as wide as its container, at most 15 % larger than its own size.

    Args:
        width: in units of the chart, about one CSS pixel each.
        height: in the same units.
        label: alternative text for screen readers.
        parts: the elements, back to front.
    """
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        aria_label=label,
        style=f"max-width:{_value(width * 1.15)}px",
    )


def legend(x: float, y: float, entries: Sequence[tuple[int, str]]) -> str:
    """One line of text for each (series number, text), with a sample of the series before it."""
    rows = []
    for row, (series, words) in enumerate(entries):
        middle = y + 18 * row
        rows.append(element("path", d=f"M{_value(x)} {_value(middle)}h26", class_=f"line s{series % SERIES}"))
        rows.append(text(x + 34, middle + 4, words))
    return "".join(rows)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`, roughly `about` of them."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda multiple: abs(multiple - rough / power))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True)
class Frame:
    """A plotting area and its two scales.

    Attributes:
        left, top, width, height: the area, in units of the chart.
        x_ticks: of the x axis; the first and the last are its ends.
        y_ticks: of the y axis, which points up.
    """

    left: float
    top: float
    width: float
    height: float
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]

    def x(self, value: float) -> float:
        """The horizontal position of a value."""
        first, last = self.x_ticks[0], self.x_ticks[-1]
        return self.left + self.width * (value - first) / (last - first)

    def y(self, value: float) -> float:
        """The vertical position of a value."""
        first, last = self.y_ticks[0], self.y_ticks[-1]
        return self.top + self.height * (1 - (value - first) / (last - first))

    def axes(self, x_label: str = "", y_label: str = "") -> str:
        """Grid, tick labels and axis titles; the x axis has no labels where `x_label` is empty."""
        right, bottom = self.left + self.width, self.top + self.height
        parts = []
        for value, words in zip(self.x_ticks, _labels(self.x_ticks), strict=True):
            at = self.x(value)
            parts.append(element("line", x1=at, x2=at, y1=self.top, y2=bottom, class_="grid"))
            if x_label:
                parts.append(text(at, bottom + 16, words, "middle", "tick"))
        for value, words in zip(self.y_ticks, _labels(self.y_ticks), strict=True):
            at = self.y(value)
            parts.append(element("line", x1=self.left, x2=right, y1=at, y2=at, class_="grid"))
            parts.append(text(self.left - 7, at + 4, words, "end", "tick"))
        corner = f"M{_value(self.left)} {_value(self.top)}V{_value(bottom)}H{_value(right)}"
        parts.append(element("path", d=corner, class_="axis"))
        if x_label:
            parts.append(text(self.left + self.width / 2, bottom + 34, x_label, "middle", "label"))
        if y_label:
            parts.append(vertical_title(self.left - 42, self.top + self.height / 2, y_label))
        return "".join(parts)

    def path(self, xs: Iterable[float], ys: Iterable[float], class_: str, tip: str = "") -> str:
        """A line through the points, with a gap where a value is not finite; empty for no points.

        Points at the same tenth of a unit are merged, so that a ROC curve of many images stays small.
        """
        steps, pen, last = [], "M", ""
        for x, y in zip(xs, ys, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            point = f"{self.x(x):.1f} {self.y(y):.1f}"
            if pen == "M" or point != last:
                steps.append(pen + point)
            pen, last = "L", point
        return element("path", d="".join(steps), class_=class_, tip=tip) if steps else ""


def vertical_title(x: float, y: float, words: str) -> str:
    """A vertical axis title, centered on (x, y)."""
    place = f"translate({_value(x)} {_value(y)}) rotate(-90)"
    return element("text", escape(words), transform=place, text_anchor="middle", class_="label")


def _labels(values: Sequence[float]) -> list[str]:
    step = min((b - a for a, b in itertools.pairwise(values)), default=1.0)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in values]


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else escape(value)
