"""Chart: plain data that is plotted on matplotlib Axes, or rendered as inline SVG for a page.

matplotlib is imported at the first plot, not before.
"""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tumorlens.report.plots.inline_svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS_PER_INCH = 72
"""One CSS pixel of a page is one point of the figure."""
_LOCK = threading.Lock()  # matplotlib's settings are global


class Chart(ABC):
    """The data of a chart. Frozen dataclasses of numbers and names are its subclasses."""

    @property
    @abstractmethod
    def size(self) -> tuple[float, float]:
        """Width and height in CSS pixels, with text of 11 pixels."""

    @property
    @abstractmethod
    def description(self) -> str:
        """The chart in words, for screen readers."""

    @abstractmethod
    def _draw(self, ax: Axes) -> None:
        """Add the artists. Colors and fonts are those of the current style."""

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot the data, in matplotlib's current style.

        Args:
            ax: empty Axes to plot on; new ones in a new figure by default.

        Returns:
            The Axes, whose labels, limits and artists can be changed. Its figure is ``ax.figure``.
        """
        import matplotlib

        with matplotlib.rc_context({"text.parse_math": False}):  # a "$" in a class name is no formula
            if ax is None:
                import matplotlib.pyplot as plt

                _, ax = plt.subplots(figsize=self._inches, layout="constrained")
            self._draw(ax)
        return ax

    @property
    def _inches(self) -> tuple[float, float]:
        width, height = self.size
        return width / PIXELS_PER_INCH, height / PIXELS_PER_INCH


def render_chart(chart: Chart) -> str:
    """One ``<svg>`` element for the page of a report, in the style of the pages.

    It has no ids, no addresses and no scripts, and is the same every time.
    """
    return inline_svg(figure_bytes(chart, "svg").decode("utf-8"), chart.description, chart.size[0])


def figure_bytes(chart: Chart, kind: str, **options: Any) -> bytes:
    """The chart as a file, in the style of the pages whatever the user's style is.

    Args:
        chart: to plot.
        kind: ``"svg"``, ``"png"`` or ``"pdf"``.
        options: of `matplotlib.figure.Figure.savefig`.
    """
    import warnings

    import matplotlib
    from matplotlib.figure import Figure

    from tumorlens.report.plots.page_style import page_style

    style: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    stream = io.BytesIO()
    with _LOCK, warnings.catch_warnings(), matplotlib.rc_context(style | page_style()):
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has it
        figure = Figure(figsize=chart._inches, layout="constrained")
        chart.plot(figure.add_subplot())
        if kind == "svg":
            _title_texts(figure)
        figure.savefig(stream, format=kind, metadata=_NO_METADATA[kind], **options)
    return stream.getvalue()


def _title_texts(figure: Figure) -> None:
    """Mark each text that has a label, such as the full name where the text is shortened, for a tooltip."""
    from matplotlib.text import Text

    from tumorlens.report.plots.inline_svg import TOOLTIP

    for text in figure.findobj(Text):
        if label := str(text.get_label()):
            text.set_gid(TOOLTIP + label)


_NO_METADATA: Mapping[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
