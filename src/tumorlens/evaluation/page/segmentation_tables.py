"""Segmentation metrics -> two tables: overlap, then contours and lesions; a row for all and one for each class."""

from __future__ import annotations

from tumorlens.metrics.segmentation import Segmentation
from tumorlens.report import Blocks, table
from tumorlens.stats import Estimate

_OVERLAPS = ("dice", "iou", "mean_iou")
_OTHERS = ("hd95", "surface_dice", "lesion_sensitivity", "false_positives")


def segmentation_tables(segmentation: Segmentation) -> tuple[Blocks, Blocks]:
    """Overlap with its median, then contour and lesion metrics; a cell is empty where a class has no such metric."""
    rows: dict[str, dict[str, Estimate]] = {"all": segmentation.overall, **segmentation.per_class}
    titles = segmentation.titles
    overlaps, others = [], []
    for label, estimates in rows.items():
        cells = [_cell(estimates[name]) for name in _OVERLAPS]
        median = segmentation.medians.get(label, {}).get("dice")
        cells.insert(1, "" if median is None else f"{median:.3f}")
        overlaps.append([label, f"{estimates['dice'].n:,}", *cells])
        others.append([label, _cell(estimates["hd95"], 1), *(_cell(estimates[name]) for name in _OTHERS[1:])])
    first, *rest = (titles[name] for name in _OVERLAPS)
    return (
        table(["segmentation", "masks", first, "median", *rest], overlaps, reading="overlap"),
        table(["segmentation", *(titles[name] for name in _OTHERS)], others, reading="contours_and_lesions"),
    )


def _cell(estimate: Estimate, decimals: int = 3) -> str:
    """The value with its interval; distances have fewer decimals than shares."""
    if not estimate.n:
        return ""
    value = f"{estimate.value:.{decimals}f}"
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval)"
    return f"{value} ({estimate.low:.{decimals}f} to {estimate.high:.{decimals}f})"
