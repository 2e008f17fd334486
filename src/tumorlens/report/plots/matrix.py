"""Counts -> confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tumorlens.report.plots.charts import Chart
from tumorlens.report.plots.labels import label
from tumorlens.report.text import percentage, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_OPACITY = 0.5  # of a full cell; text stays readable on it
_CELL = 64  # width in CSS pixels
_LETTER = 7.0  # width of a letter of a name in CSS pixels, at most


@dataclass(frozen=True)
class ConfusionChart(Chart):
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

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels."""
        return max(400, self._left + _CELL * len(self.classes)), 120 + 50 * len(self.classes)

    @property
    def description(self) -> str:
        """The diagonal in words."""
        rows = (
            f"{printable(name)} correct {int(row[i])} of {sum(int(count) for count in row)}"
            for i, (name, row) in enumerate(zip(self.classes, self.matrix, strict=True))
        )
        return "Confusion matrix: " + "; ".join(rows)

    @property
    def _left(self) -> float:
        """Width of the names of the rows."""
        return 40 + _LETTER * max((len(label(name, 16)) for name in self.classes), default=0)

    def _draw(self, ax: Axes) -> None:
        count = len(self.classes)
        totals = [sum(int(n) for n in row) for row in self.matrix]
        for row, counts in enumerate(self.matrix):
            for column, n in enumerate(counts):
                self._cell(ax, row, column, int(n), totals[row])
        ax.set(xlim=(-0.5, max(count, 1) - 0.5), ylim=(max(count, 1) - 0.5, -0.5))
        ax.set(xlabel="predicted class", ylabel="true class")
        ax.tick_params(top=False, bottom=False, left=False, labeltop=True, labelbottom=False)
        ax.xaxis.set_label_position("top")
        ax.xaxis.labelpad = 8
        short = [label(name, 16) for name in self.classes]
        ax.set_xticks(range(count), short)
        ax.set_yticks(range(count), [f"{name}\nn = {total}" for name, total in zip(short, totals, strict=True)])
        if max(map(len, short), default=0) * _LETTER * count > self.size[0] - self._left:
            for tick in ax.get_xticklabels():
                tick.set(rotation=30, ha="left", rotation_mode="anchor")
        for tick, name in zip([*ax.get_xticklabels(), *ax.get_yticklabels()], [*self.classes] * 2, strict=True):
            tick.set_label(printable(name))
        ax.grid(False)
        ax.spines[:].set_visible(False)

    def _cell(self, ax: Axes, row: int, column: int, count: int, total: int) -> None:
        """One cell: its shade, the count and the share of the row."""
        from matplotlib.colors import to_rgba
        from matplotlib.patches import Rectangle

        share = count / total if total else 0.0
        color = "C0" if row == column else "C1"
        shade = to_rgba(color, _MAX_OPACITY * math.cbrt(share))
        ax.add_patch(
            Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=shade, edgecolor="lightgray", linewidth=0.75)
        )
        share_text = percentage(share) if total else "–"
        names = [printable(self.classes[i]) for i in (row, column)]
        tip = f"true {names[0]}, predicted {names[1]}: {count} of {total}"
        texts = [
            ax.text(column, row - 0.03, str(count), ha="center", va="bottom", size="large", weight="bold", label=tip),
            ax.text(column, row + 0.07, share_text, ha="center", va="top", label=tip),
        ]
        for text in texts if not count else ():
            text.set(color="dimgray", weight="normal")
