"""Activation over the network's input -> heat map over the image, and its share beside the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tumorlens.report.blocks import Blocks, note
from tumorlens.report.text import percentage
from tumorlens.scan import CropWindow, GrayImage
from tumorlens.scan.foreground import head_mask

MOST_BESIDE_HEAD = 0.1
"""Share of a heat map beside the head from which a caveat says so."""


def heat(activation: npt.ArrayLike, crop_window: CropWindow) -> npt.NDArray[np.float32]:
    """Positive activation, scaled to a maximum of 1, at the size of the image.

    Args:
        activation: (n, n) over the network's input; negative values lower the explained score and count as 0.
        crop_window: the position of that input in the image.

    Returns:
        (H, W) float32; the largest value over the input is 1; all 0 where no value is positive.
    """
    positive = np.maximum(np.asarray(activation, dtype=np.float32), 0)
    peak = float(positive.max(initial=0))
    return crop_window.to_image(positive / peak if peak > 0 else positive)


def share_beside_head(gray: GrayImage, heatmap: npt.NDArray[np.floating]) -> float | None:
    """The share of the sum of a heat map that lies outside of the head.

    The head is that of `head_mask`, with a margin of 1/42 of the sides, so that a map that only spreads over the skin
    counts little. Where no background is found, all is head.

    Args:
        gray: (H, W) uint8.
        heatmap: (H, W), 0 and more; NaN counts as 0.

    Returns:
        0 to 1; None where the map is 0 everywhere.
    """
    values = np.maximum(np.nan_to_num(np.asarray(heatmap, dtype=np.float64), nan=0.0), 0.0)
    total = float(values.sum())
    return float(values[~head_mask(gray)].sum()) / total if total > 0 else None


def beside_head_text(share: float | None) -> str:
    """One line for the caption of a map; empty for a map that is 0 everywhere."""
    return "" if share is None else f"{percentage(share, 0)} of the map lies beside the head"


def beside_head_note(shares: Sequence[float | None]) -> Blocks:
    """A caveat where shown maps glow beside the head; no block where none does.

    Args:
        shares: of the shown maps.
    """
    known = [share for share in shares if share is not None]
    glowing = [share for share in known if share > MOST_BESIDE_HEAD]
    if not glowing:
        return ()
    return note(
        "warning",
        f"In {len(glowing)} of {len(known)} maps shown here more than {percentage(MOST_BESIDE_HEAD, 0)} of the map "
        f"lies beside the head (at most {percentage(max(glowing), 0)}), measured with the mask of the head. There is "
        "no tissue: a coarse map spreads over the border, or the network uses something beside the head. Such a map is "
        "no evidence for a place in the brain; region occlusion tests what the network needs.",
    )
