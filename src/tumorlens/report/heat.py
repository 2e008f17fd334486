"""Activation over a network's canvas -> a heat map over the image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tumorlens.scan import CropWindow


def heat(activation: npt.ArrayLike, crop_window: CropWindow) -> npt.NDArray[np.float32]:
    """What speaks for a class, where in the image, from 0 to 1.

    Args:
        activation: (n, n) class activation over the canvas; negative values speak against the class
            and count as zero.
        crop_window: how the image lies on that canvas.

    Returns:
        (H, W) float32; the largest value on the canvas is 1; all 0 where nothing speaks for the class.
    """
    positive = np.maximum(np.asarray(activation, dtype=np.float32), 0)
    peak = float(positive.max(initial=0))
    return crop_window.to_image(positive / peak if peak > 0 else positive)
