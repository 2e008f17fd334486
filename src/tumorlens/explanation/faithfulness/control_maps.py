"""Image -> control maps, made without any network: what a heat map must beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from tumorlens._arrays import Floats32
from tumorlens.scan import Box, GrayImage

HeatMap = Floats32

_CELLS = 8  # per side: as coarse as the last feature maps of a network with 224 pixels of input, which have 7
_SIGMAS = 6  # the head is this many standard deviations of the central Gaussian wide
_BLUR = 64  # brightness is blurred by this fraction of the longer side, so that one bright pixel decides nothing


@dataclass(frozen=True)
class ControlMap:
    """A map that is made without the network.

    Attributes:
        name: its key in `CONTROL_MAPS`.
        title: its name in reports.
        description: where it has high values.
        render: makes it from an image, the box of the head, and a seed.
    """

    name: str
    title: str
    description: str
    render: Callable[[GrayImage, Box, int], HeatMap]


def center_map(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """A Gaussian in the middle of the head: (H, W), 1 at its center."""
    top, left, height, width = head
    rows, columns = (np.arange(edge) + 0.5 for edge in image.shape)
    down = (rows - (top + height / 2)) / (height / _SIGMAS)
    across = (columns - (left + width / 2)) / (width / _SIGMAS)
    gaussian: HeatMap = np.exp(-(down[:, None] ** 2 + across**2) / 2).astype(np.float32)
    return gaussian


def random_map(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """Random values, as smooth as a network's map: (H, W) from 0 to 1."""
    cells = np.random.default_rng(seed).random((_CELLS, _CELLS), dtype=np.float32)
    height, width = image.shape
    smooth = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    scaled: HeatMap = (smooth - smooth.min()) / np.float32(max(float(np.ptp(smooth)), 1e-6))
    return scaled


def brightness_map(image: GrayImage, head: Box, seed: int = 0) -> HeatMap:
    """The image itself, slightly blurred: (H, W) from 0 to 1."""
    blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(max(image.shape) / _BLUR))
    bright: HeatMap = np.asarray(blurred, dtype=np.float32) / np.float32(255)
    return bright


CONTROL_MAPS = {
    control.name: control
    for control in (
        ControlMap("center", "center of the head", "the middle of the head, the same in every image", center_map),
        ControlMap("random", "random regions", "random regions", random_map),
        ControlMap("brightness", "brightness", "bright pixels of the image", brightness_map),
    )
}
"""The control maps, in the order of the table."""
