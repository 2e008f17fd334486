"""An image -> maps that know nothing of any network: what a map must beat to be worth anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from tumorlens.scan import Box, GrayImage

HeatMap = npt.NDArray[np.float32]

_CELLS = 8  # a side; as coarse as the last maps of a network that sees 224 pixels, which has 7
_REACH = 6  # the head is so many standard deviations of the center's blob across
_SOFT = 64  # brightness is blurred by this part of the longer side, so that one bright pixel decides nothing


@dataclass(frozen=True)
class Control:
    """A map that is made without the network.

    Attributes:
        name: in tables.
        title: how a page calls it.
        shows: what is hot in it.
        draw: makes it of an image, the box of the head in it, and a seed.
    """

    name: str
    title: str
    shows: str
    draw: Callable[[GrayImage, Box, int], HeatMap]


def center(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """A round blob in the middle of the head: (H, W), 1 at its center."""
    top, left, height, width = head
    rows, columns = (np.arange(edge) + 0.5 for edge in image.shape)
    down = (rows - (top + height / 2)) / (height / _REACH)
    across = (columns - (left + width / 2)) / (width / _REACH)
    blob: HeatMap = np.exp(-(down[:, None] ** 2 + across**2) / 2).astype(np.float32)
    return blob


def random(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """Hot and cold places by chance, as smooth as a network's map: (H, W) from 0 to 1."""
    cells = np.random.default_rng(seed).random((_CELLS, _CELLS), dtype=np.float32)
    height, width = image.shape
    smooth = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    chance: HeatMap = (smooth - smooth.min()) / np.float32(max(float(np.ptp(smooth)), 1e-6))
    return chance


def brightness(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """The image itself, slightly blurred: (H, W) from 0 to 1."""
    soft = Image.fromarray(image).filter(ImageFilter.GaussianBlur(max(image.shape) / _SOFT))
    bright: HeatMap = np.asarray(soft, dtype=np.float32) / np.float32(255)
    return bright


CONTROLS = {
    control.name: control
    for control in (
        Control("center", "center of the head", "the middle of the head, the same in every image", center),
        Control("random", "random places", "places drawn by chance", random),
        Control("brightness", "brightness", "what is bright in the image", brightness),
    )
}
"""The controls, in the order of the table."""
