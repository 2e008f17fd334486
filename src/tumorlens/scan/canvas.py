"""picture <-> canvas: where a picture of any shape lies in the square that a network sees.

Every fit is one window in the picture's own pixels (larger than the picture where it is padded, smaller
where it is cropped) and one resize of that window to the square. Resizing is bilinear with half-pixel
centres, antialiased when it shrinks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.scan.types import GreyImage

Fit = Literal["pad", "stretch", "crop"]

_SMALL = 2**18  # multiplications of a matrix product that OpenBLAS does not share among threads


@dataclass(frozen=True)
class Canvas:
    """The square input of a network.

    Attributes:
        size: its side, pixels.
        fit: ``"pad"``: the longer side becomes `size`, black bars on both ends of the shorter one;
            ``"stretch"``: both sides become `size`; ``"crop"``: the shorter side becomes `resize`, and
            the centre is cut out.
        resize: for ``"crop"`` only, at least `size`; None means `size`.
    """

    size: int
    fit: Fit = "pad"
    resize: int | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size is {self.size}; expected at least 1 pixel")
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit is {self.fit!r}; expected one of {', '.join(get_args(Fit))}")
        if self.resize is not None and self.fit != "crop":
            raise ValueError(f"resize is given with fit {self.fit!r}; it goes with 'crop' only")
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize is {self.resize}; expected at least the size, {self.size}")

    def place(self, height: int, width: int) -> Placement:
        """Lay a picture of `height` x `width` pixels on the canvas."""
        if height < 1 or width < 1:
            raise ValueError(f"the picture is {height} x {width}; expected at least 1 x 1 pixel")
        if self.fit == "stretch":
            return Placement(0, 0, height, width, self.size, (height, width))
        if self.fit == "pad":
            side = max(height, width)
            top, left = -((side - height) // 2), -((side - width) // 2)
        else:
            shorter = min(height, width)
            resize = self.resize or self.size
            side = min(max((2 * shorter * self.size + resize) // (2 * resize), 1), shorter)  # rounded half up
            top, left = (height - side) // 2, (width - side) // 2
        return Placement(top, left, side, side, self.size, (height, width))


@dataclass(frozen=True)
class Placement:
    """The window of a picture that fills the canvas.

    Attributes:
        top: first row of the window, in pixels of the picture; negative where it is padded.
        left: first column of the window, likewise.
        height: of the window, in pixels of the picture.
        width: of the window, likewise.
        size: side of the canvas, pixels.
        picture: height and width of the picture.
    """

    top: int
    left: int
    height: int
    width: int
    size: int
    picture: tuple[int, int]

    def to_canvas(self, pixels: GreyImage) -> GreyImage:
        """Draw the picture on the canvas: (H, W) uint8 to (size, size) uint8.

        The reference for what training and exported graphs do with tensors; those keep fractions where
        this rounds to whole grey values.
        """
        if pixels.shape != self.picture or pixels.dtype != np.uint8:
            raise ValueError(f"got {pixels.shape} {pixels.dtype}; expected {self.picture} uint8")
        window = (self.left, self.top, self.left + self.width, self.top + self.height)
        drawn = Image.fromarray(pixels).crop(window).resize((self.size, self.size), Image.Resampling.BILINEAR)
        return np.array(drawn)

    def to_picture(self, values: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Bring a map over the canvas, of any resolution, back to the picture.

        Args:
            values: (n, n) real numbers that cover the whole canvas, such as a heat map of 7 x 7.

        Returns:
            (H, W) float32; 0 where the picture reaches beyond the canvas.
        """
        chart = np.asarray(values, dtype=np.float32)
        if chart.ndim != 2 or chart.shape[0] != chart.shape[1] or chart.size == 0:
            raise ValueError(f"the map has shape {chart.shape}; expected (n, n)")
        height, width = self.picture
        top, bottom = max(self.top, 0), min(self.top + self.height, height)
        left, right = max(self.left, 0), min(self.left + self.width, width)
        cells = len(chart)
        down = _weights(cells, cells / self.height, top - self.top, bottom - self.top)
        across = _weights(cells, cells / self.width, left - self.left, right - self.left)
        seen = _product(down, chart @ across.T)
        if seen.shape == self.picture:
            return seen
        result = np.zeros(self.picture, dtype=np.float32)
        result[top:bottom, left:right] = seen
        return result


def _weights(cells: int, scale: float, first: int, last: int) -> npt.NDArray[np.float32]:
    """The matrix that resizes one axis of a map, as Pillow's bilinear filter does; two products are quicker than it.

    Args:
        cells: of the map on this axis.
        scale: cells per pixel.
        first: the first pixel wanted, counted from where the map begins.
        last: the pixel after the last one.

    Returns:
        (last - first, cells); rows add up to 1.
    """
    centres = (np.arange(first, last) + 0.5) * scale
    distance = np.abs(np.arange(cells) + 0.5 - centres[:, None])
    weights = np.maximum(0, 1 - distance / max(scale, 1.0))
    rows: npt.NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows


def _product(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A matrix product in strips so small that it stays on this thread: the others are ONNX Runtime's."""
    product = np.empty((len(first), second.shape[1]), dtype=np.float32)
    rows = max(1, _SMALL // max(1, second.size))
    for start in range(0, len(first), rows):
        np.matmul(first[start : start + rows], second, out=product[start : start + rows])
    return product
