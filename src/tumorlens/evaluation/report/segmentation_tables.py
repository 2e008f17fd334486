"""Segmentation -> its figures as people read them: two tables, a line for all and one for each class."""

from __future__ import annotations

from tumorlens.metrics.segmentation import Figures, Segmentation
from tumorlens.stats import Estimate

Grid = tuple[list[str], list[list[str]]]
"""Headings and rows."""

_OVERLAPS = ("dice", "iou", "mean_iou")
_OTHERS = ("hd95", "surface_dice", "lesion_sensitivity", "false_positives")


def lines(found: Segmentation) -> tuple[Grid, Grid]:
    """How tumors are covered, then outlines and finds; a cell is empty where a class has no such figure."""
    rows: dict[str, Figures] = {"all": found.overall, **found.per_class}
    titles = found.titles
    covered, others = [], []
    for label, figures in rows.items():
        cells = [_said(figures[name]) for name in _OVERLAPS]
        median = found.medians.get(label, {}).get("dice")
        cells.insert(1, "" if median is None else f"{median:.3f}")
        covered.append([label, f"{figures['dice'].n:,}", *cells])
        others.append([label, _said(figures["hd95"], 1), *(_said(figures[name]) for name in _OTHERS[1:])])
    first, *rest = (titles[name] for name in _OVERLAPS)
    return (
        (["drawn tumors", "masks", first, "median", *rest], covered),
        (["drawn tumors", *(titles[name] for name in _OTHERS)], others),
    )


def _said(figure: Estimate, decimals: int = 3) -> str:
    """The figure with its interval, as everywhere; distances with fewer decimals than shares."""
    if not figure.n:
        return ""
    value = f"{figure.value:.{decimals}f}"
    if figure.low is None or figure.high is None:
        return f"{value} (no interval)"
    return f"{value} ({figure.low:.{decimals}f} to {figure.high:.{decimals}f})"
