"""Names of data -> text of a chart, and the legend below a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tumorlens.report.text import printable, shorten

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import Container

LINE = 17
"""Height of one line of a legend in CSS pixels."""


def label(name: object, length: int = 1000) -> str:
    """A name on one line and of at most `length` characters, which matplotlib shows as it is."""
    text = shorten(" ".join(printable(name).split()), length)
    return (
        f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text
    )  # matplotlib hides labels that begin with "_"


def legend_below(ax: Axes, handles: Sequence[Artist | Container], labels: Sequence[str], left: float = 0) -> None:
    """A legend of one column below the title of the x axis.

    Args:
        ax: whose x axis has a title.
        handles: artists.
        labels: one for each.
        left: of the axes' left edge, in points.
    """
    if not handles:
        return
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure()
    assert figure is not None
    size = FontProperties(size=matplotlib.rcParams["axes.labelsize"]).get_size_in_points()
    place = ScaledTranslation(-left / 72, -(3.4 * size + 4) / 72, figure.dpi_scale_trans)
    ax.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=ax.transAxes + place, borderaxespad=0
    )


def panel_below(ax: Axes, share: float) -> Axes:
    """Split Axes in two, one below the other, with one x axis.

    Args:
        ax: becomes the upper panel and loses the labels of its x axis.
        share: height of the lower panel, relative to the upper one.
    """
    figure, spec = ax.get_figure(), ax.get_subplotspec()
    assert figure is not None
    if spec is None:  # placed by hand
        box = ax.get_position()
        upper = box.height * 0.95 / (1 + share)
        ax.set_position((box.x0, box.y1 - upper, box.width, upper))
        lower = figure.add_axes((box.x0, box.y0, box.width, upper * share), sharex=ax)
    else:
        grid = spec.subgridspec(2, 1, height_ratios=(1, share))
        ax.set_subplotspec(grid[0])
        lower = figure.add_subplot(grid[1], sharex=ax)
    ax.tick_params(labelbottom=False)
    return lower
