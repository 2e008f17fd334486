"""image <-> canvas: where an image of any shape lies in the square that a network sees.

Every mode is one window in the image's own pixels (larger than the image where it is padded, smaller
where it is cropped) and one resize of that window to the square. Resizing is bilinear with half-pixel
centers, antialiased when it shrinks. With `crop` the box of the head takes the place of the image,
and what lies outside of it is black.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from tumorlens.scan.types import GrayImage

Mode = Literal["letterbox", "resize", "center_crop"]
Crop = Literal["none", "head"]
Box = tuple[int, int, int, int]  # top, left, height, width, in pixels of an image

_SMALL = 2**18  # multiplications of a matrix product that OpenBLAS does not share among threads
_COARSE = 32  # cells a side up to which two matrix products bring a map back quicker than Pillow does


@dataclass(frozen=True)
class InputGeometry:
    """The square input of a network.

    Attributes:
        size: its side, pixels.
        mode: ``"letterbox"``: the longer side becomes `size`, black bars on both ends of the shorter one;
            ``"resize"``: both sides become `size`; ``"center_crop"``: the shorter side becomes `resize`, and
            the center is cut out.
        resize: for ``"center_crop"`` only, at least `size`; None means `size`.
        crop: what is fitted: ``"none"``: the whole image; ``"head"``: the bounding box of the head.
    """

    size: int
    mode: Mode = "letterbox"
    resize: int | None = None
    crop: Crop = "none"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size is {self.size}; expected at least 1 pixel")
        if self.mode not in get_args(Mode):
            raise ValueError(f"mode is {self.mode!r}; expected one of {', '.join(get_args(Mode))}")
        if self.crop not in get_args(Crop):
            raise ValueError(f"crop is {self.crop!r}; expected one of {', '.join(get_args(Crop))}")
        if self.resize is not None and self.mode != "center_crop":
            raise ValueError(f"resize is given with mode {self.mode!r}; it goes with 'center_crop' only")
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize is {self.resize}; expected at least the size, {self.size}")

    def crop_window(self, height: int, width: int, box: Box | None = None) -> CropWindow:
        """Lay an image of `height` x `width` pixels on the canvas.

        Args:
            height: of the image.
            width: of the image.
            box: the part that is fitted, as `PipelineOutput.boxes` and a bundle's output ``boxes`` give it; None for the whole
                image, which a canvas around the head does not take.

        Raises:
            ValueError: an empty image, a box that is not in it, or none for a canvas around the head.
        """
        if height < 1 or width < 1:
            raise ValueError(f"the image is {height} x {width}; expected at least 1 x 1 pixel")
        if box is None and self.crop == "head":
            raise ValueError("the canvas lies around the head; expected the box of the head in this image")
        above, before, rows, columns = (0, 0, height, width) if box is None else box
        if not (0 <= above < above + rows <= height and 0 <= before < before + columns <= width):
            raise ValueError(f"the box is {box}; expected a part of the image of {height} x {width} pixels")
        if self.mode == "resize":
            window = above, before, rows, columns
        elif self.mode == "letterbox":
            side = max(rows, columns)
            window = above - (side - rows) // 2, before - (side - columns) // 2, side, side
        else:
            shorter = min(rows, columns)
            resize = self.resize or self.size
            side = min(max((2 * shorter * self.size + resize) // (2 * resize), 1), shorter)  # rounded half up
            window = above + (rows - side) // 2, before + (columns - side) // 2, side, side
        return CropWindow(*window, self.size, (height, width), box)


@dataclass(frozen=True)
class CropWindow:
    """The window of an image that fills the canvas.

    Attributes:
        top: first row of the window, in pixels of the image; negative where it is padded.
        left: first column of the window, likewise.
        height: of the window, in pixels of the image.
        width: of the window, likewise.
        size: side of the canvas, pixels.
        image: height and width of the image.
        box: the part of the image that is shown, black around it; None for the whole.
    """

    top: int
    left: int
    height: int
    width: int
    size: int
    image: tuple[int, int]
    box: Box | None = None

    def to_input(self, pixels: GrayImage) -> GrayImage:
        """Draw the image on the canvas: (H, W) uint8 to (size, size) uint8.

        The reference for what training and exported graphs do with tensors; those keep fractions where
        this rounds to whole gray values.
        """
        if pixels.shape != self.image or pixels.dtype != np.uint8:
            raise ValueError(f"got {pixels.shape} {pixels.dtype}; expected {self.image} uint8")
        window = (self.left, self.top, self.left + self.width, self.top + self.height)
        rows, columns = self._seen()
        shown = np.zeros_like(pixels)
        shown[rows, columns] = pixels[rows, columns]
        drawn = Image.fromarray(shown).crop(window).resize((self.size, self.size), Image.Resampling.BILINEAR)
        return np.array(drawn)

    def to_image(self, values: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Bring a map over the canvas, of any resolution, back to the image.

        Args:
            values: (n, n) real numbers that cover the whole canvas, such as a heat map of 7 x 7.

        Returns:
            (H, W) float32; 0 where the image reaches beyond the canvas, or was not shown on it.
        """
        chart = np.asarray(values, dtype=np.float32)
        if chart.ndim != 2 or chart.shape[0] != chart.shape[1] or chart.size == 0:
            raise ValueError(f"the map has shape {chart.shape}; expected (n, n)")
        rows, columns = self._seen()
        cells = len(chart)
        spans = (
            (cells / self.height, rows.start - self.top, rows.stop - self.top),
            (cells / self.width, columns.start - self.left, columns.stop - self.left),
        )
        if cells <= _COARSE:
            down, across = (_weights(cells, *span) for span in spans)
            seen = _product(down, chart @ across.T)
        else:
            seen = _resized(chart, *spans)
        if seen.shape == self.image:
            return seen
        result = np.zeros(self.image, dtype=np.float32)
        result[rows, columns] = seen
        return result

    def _seen(self) -> tuple[slice, slice]:
        """The rows and columns of the image that are on the canvas."""
        top, left, height, width = self.box or (0, 0, *self.image)
        rows = slice(max(self.top, top), min(self.top + self.height, top + height))
        columns = slice(max(self.left, left), min(self.left + self.width, left + width))
        return rows, columns


def _resized(chart: npt.NDArray[np.float32], *spans: tuple[float, int, int]) -> npt.NDArray[np.float32]:
    """Resize a map with Pillow's bilinear filter.

    Args:
        chart: (n, n).
        spans: of rows and of columns the cells per pixel, the first pixel wanted and the pixel after the last one.
    """
    (top, bottom), (left, right) = (
        [min(scale * pixel, len(chart)) for pixel in (first, last)] for scale, first, last in spans
    )
    height, width = (last - first for _, first, last in spans)
    image = Image.fromarray(chart).resize((width, height), Image.Resampling.BILINEAR, (left, top, right, bottom))
    return np.array(image)


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
    centers = (np.arange(first, last) + 0.5) * scale
    distance = np.abs(np.arange(cells) + 0.5 - centers[:, None])
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
