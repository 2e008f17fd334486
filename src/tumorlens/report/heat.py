"""Activation over the network's input -> heat map over the image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens.scan import CropWindow


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
