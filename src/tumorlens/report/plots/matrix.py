"""Counts -> confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tumorlens.report.plots.svg import element, svg, text, vertical_title
from tumorlens.report.text import shorten

_WIDE, _HIGH = 78, 54  # one cell
_MAX_OPACITY = 0.5  # of a full cell; text stays readable on it, on a light or a dark page


@dataclass(frozen=True)
class ConfusionChart:
    """Counts and row percentages. The diagonal is shaded in one color, mistakes in another.

    The opacity grows with the cube root of the row's share: a mistake of one percent is visible.

    Attributes:
        matrix: (C, C) counts; row = true class, column = predicted class. A NumPy array will do.
        classes: C names, in the same order.

    Raises:
        ValueError: the matrix is not C by C.
    """

    matrix: Sequence[Sequence[int]]
    classes: Sequence[str]

    def __post_init__(self) -> None:
        count = len(self.classes)
        if len(self.matrix) != count or any(len(row) != count for row in self.matrix):
            raise ValueError(f"expected a {count} x {count} matrix, one row and column per class")


def render_confusion_matrix(chart: ConfusionChart) -> str:
    """The chart as one ``<svg>`` element."""
    matrix, classes = chart.matrix, chart.classes
    names = [shorten(name, 16) for name in classes]
    left = 36 + 7 * max((len(name) for name in names), default=0)
    top = 46
    width, height = _WIDE * len(classes), _HIGH * len(classes)
    parts = [
        text(left + width / 2, 14, "predicted class", "middle", "label"),
        vertical_title(14, top + height / 2, "true class"),
    ]
    for i, (name, row) in enumerate(zip(classes, matrix, strict=True)):
        middle = top + _HIGH * (i + 0.5)
        total = sum(int(count) for count in row)
        parts.append(text(left + _WIDE * (i + 0.5), top - 10, shorten(name, 11), "middle", tip=name))
        parts.append(text(left - 10, middle + 4, names[i], "end", tip=name))
        parts.append(text(left + width + 10, middle + 4, f"n = {total}", class_="tick"))
        for j, count in enumerate(row):
            tip = f"true {name}, predicted {classes[j]}: {int(count)} of {total}"
            parts.append(_cell(left + _WIDE * j, top + _HIGH * i, int(count), total, i == j, tip))
    return svg(left + width + 58, top + height + 6, "Confusion matrix: " + _label(matrix, classes), parts)


def _cell(x: float, y: float, count: int, total: int, right: bool, tip: str) -> str:
    share = count / total if total else 0.0
    shade = element(
        "rect",
        x=x + 1,
        y=y + 1,
        width=_WIDE - 2,
        height=_HIGH - 2,
        rx=3,
        class_="cell right" if right else "cell wrong",
        fill_opacity=_MAX_OPACITY * math.cbrt(share),
    )
    middle = x + _WIDE / 2
    percentage = f"{100 * share:.1f} %" if total else "–"
    return element(
        "g",
        shade,
        text(middle, y + 25, str(count), "middle", "count" if count else "count none"),
        text(middle, y + 42, percentage, "middle", "share" if count else "share none"),
        tip=tip,
    )


def _label(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    rows = (
        f"{name} correct {int(row[i])} of {sum(int(count) for count in row)}"
        for i, (name, row) in enumerate(zip(classes, matrix, strict=True))
    )
    return "; ".join(rows)
